// The rules of CloudWatch for names. The exporter would replace illegal characters; a client that names its destination gets
// an error instead, so that it finds its events where it sent them.

/** Characters of a name (CreateLogGroup, CreateLogStream). */
export const MAX_NAME_LENGTH = 512

/** Patterns of JSON Schema, without flags. */
export const GROUP_PATTERN = '^(?![aA][wW][sS]/)[.\\-_/#A-Za-z0-9]+$'
export const STREAM_PATTERN = '^[^:*]+$'

const GROUP = new RegExp(GROUP_PATTERN)
const STREAM = new RegExp(STREAM_PATTERN)

/** @returns what is wrong with the name of a log group, and what to write; undefined if nothing is */
export function groupProblem(name: string): string | undefined {
  if (GROUP.test(name)) return undefined
  if (/^aws\//i.test(name))
    return `starts with ${name.slice(0, 4)}, which AWS reserves: write another prefix, such as /aws/`
  return 'has a character that CloudWatch refuses: write letters, digits and . - _ / #'
}

/** @returns what is wrong with the name of a log stream, and what to write; undefined if nothing is */
export function streamProblem(name: string): string | undefined {
  return STREAM.test(name) ? undefined : 'has a ":" or a "*", which CloudWatch refuses: leave them out'
}
