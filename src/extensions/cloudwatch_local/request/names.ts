import type { Input, TextRule } from './input.ts'
import { invalidParameter } from '../answer/service-error.ts'

// The patterns of the service's model (facts 1.3; botocore logs/2014-03-28). `printed` is the model's spelling.
export const GROUP_NAME: TextRule = {
  min: 1,
  max: 512,
  pattern: /^[.\-_/#A-Za-z0-9]+$/,
  printed: '[\\.\\-_/#A-Za-z0-9]+',
}
export const STREAM_NAME: TextRule = { min: 1, max: 512, pattern: /^[^:*]*$/, printed: '[^:*]*' }
export const GROUP_IDENTIFIER: TextRule = { min: 1, max: 2048, pattern: /^[\w#+=/:,.@-]*$/, printed: '[\\w#+=/:,.@-]*' }
const RESOURCE_ARN: TextRule = { min: 1, max: 1011, pattern: /^[\w+=/:,.@-]*$/, printed: '[\\w+=/:,.@-]*' }
export const NEXT_TOKEN: TextRule = { min: 1 }

const GROUP_ARN = /^arn:[\w-]+:logs:[\w-]+:\d{12}:log-group:([^:]+)$/

/** Returns the ARN of a group; the IAM form ends in `:*`. */
export function groupArn(region: string, accountId: string, group: string): string {
  return `arn:aws:logs:${region}:${accountId}:log-group:${group}`
}

/** Reads `logGroupName` or `logGroupIdentifier` (a name or an ARN): exactly one of them. Calls `input.check()`. */
export function groupNameOrIdentifier(input: Input): string {
  const name = input.text('logGroupName', GROUP_NAME)
  const identifier = input.text('logGroupIdentifier', GROUP_IDENTIFIER)
  input.check()
  if ((name === undefined) === (identifier === undefined))
    throw invalidParameter('Exactly one of logGroupName and logGroupIdentifier must be specified.')
  return name ?? groupOfIdentifier(identifier ?? '')
}

/**
 * Returns the group name of an identifier, which is a name or an ARN without `:*`. Region and account are not compared.
 * @throws ServiceError InvalidParameterException for the ARN of something else
 */
export function groupOfIdentifier(identifier: string): string {
  return identifier.startsWith('arn:') ? groupOfArn(identifier) : identifier
}

/** @throws ServiceError InvalidParameterException for a name, for an ARN that ends with `:*`, and for that of something else */
export function groupOfArn(arn: string): string {
  const name = nameInArn(arn)
  if (name === undefined) throw invalidParameter(`The log group identifier '${arn}' is not the ARN of a log group.`)
  return name
}

/** Returns the group name in an ARN without `:*`; undefined for any other ARN. */
export function nameInArn(arn: string): string | undefined {
  return GROUP_ARN.exec(arn)?.[1]
}

/** Reads `resourceArn`, the form without `:*`, and returns the group's name. Region and account are not compared. */
export function groupOfResourceArn(input: Input): string {
  const arn = input.requiredText('resourceArn', RESOURCE_ARN)
  input.check()
  const name = nameInArn(arn)
  if (name === undefined) throw invalidParameter(`The resource ARN '${arn}' is not the ARN of a log group.`)
  return name
}
