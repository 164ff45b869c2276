import { randomBytes } from 'node:crypto'
import type { CloudWatchLogsSettings } from '../../settings/resolve.ts'
import { fillTemplate, type Template } from '../../route/template.ts'
import { DOCTOR_STREAM } from '../policy/actions.ts'

/** The names that the checks use. */
export interface Target {
  readonly group: string
  /** A stream as the daemon would name it. */
  readonly stream: string
  /** A stream for the canary event alone. */
  readonly canaryStream: string
  /** A group that does not exist, and that the names of the config can make; undefined if they make only one. */
  readonly absentGroup: string | undefined
}

/** @param group of the command line; undefined: that of the config, with `otlp-cloudwatch-doctor` for its placeholders */
export function targetOf({ names }: CloudWatchLogsSettings, group: string | undefined): Target {
  const unique = `${DOCTOR_STREAM}-${randomBytes(4).toString('hex')}`
  return {
    group: group ?? filled(names.group, DOCTOR_STREAM),
    stream: filled(names.stream, DOCTOR_STREAM),
    canaryStream: names.stream.placeholders.length === 0 ? unique : filled(names.stream, unique),
    absentGroup: names.group.placeholders.length === 0 ? undefined : filled(names.group, unique),
  }
}

function filled(template: Template, value: string): string {
  return fillTemplate(
    template,
    template.placeholders.map(() => value),
  )
}
