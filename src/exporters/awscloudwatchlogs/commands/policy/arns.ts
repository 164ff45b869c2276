import type { DestinationPattern } from './destinations.ts'
import type { ResourceForm } from './actions.ts'

/** Beginnings of Region names outside of `aws`, with their partition (the SDK's partitions.json). */
const PARTITIONS: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['us-iso-', 'aws-iso'],
  ['eu-isoe-', 'aws-iso-e'],
  ['eusc-', 'aws-eusc'],
]

/** Where an exporter writes; `*` for what is not known. */
export interface Place {
  readonly partition: string
  readonly region: string
  readonly account: string
}

/** @param role the ARN of the role that is assumed, which has the account and the partition; undefined without one */
export function placeOf(region: string | undefined, account: string | undefined, role: string | undefined): Place {
  const [, partition, , , roleAccount] = role?.startsWith('arn:') === true ? role.split(':') : []
  const known = region === undefined ? undefined : PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1]
  return { partition: partition || (known ?? 'aws'), region: region ?? '*', account: roleAccount || (account ?? '*') }
}

export function arnOf({ partition, region, account }: Place, form: ResourceForm, pattern: DestinationPattern): string {
  const group = `arn:${partition}:logs:${region}:${account}:log-group:${pattern.group}`
  switch (form) {
    case 'tagged_group':
      return group
    case 'group':
      return `${group}:*`
    case 'stream':
      return `${group}:log-stream:${literally(pattern.stream)}`
  }
}

/** Stream names may have characters that a policy reads as a wildcard or a variable: `${?}` and `${$}` are those characters. */
function literally(stream: string): string {
  return stream.replaceAll(/[?$]/g, (character) => `\${${character}}`)
}
