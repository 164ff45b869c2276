// Raw log lines that are JSON, read as a stream: a line may be as long as a request, and `JSON.parse` makes an object of
// each of its values.

import { escapeLength, unescapeJson } from '../../../wire/json-unescape.ts'
import { JsonProblem, JsonReader } from '../../../otlp/json-reader.ts'

// One for all: reading never yields.
const reader = new JsonReader()

/** Bytes of a name that are looked at: 512 characters of a log group or stream, each as two escapes, and some more. */
const MAX_NAME_BYTES = 8_192
/** Bytes of one character of a key as `\u0061`. */
const MAX_ESCAPE_BYTES = 6

export interface NamedDestination {
  readonly group: string
  readonly stream: string | undefined
}

/** Whether a line is JSON and nothing else, at most as deep as the reader follows. */
export function isJson(line: Buffer): boolean {
  reader.reset(line)
  return succeeds(() => {
    reader.skip()
    reader.finish()
  })
}

/**
 * The destination a line of JSON names: `_aws.LogGroupName` (embedded metric format), else `log_group_name`, each with its
 * stream. Of a name that comes twice the last counts, as everywhere in JSON.
 */
export function namedDestination(line: Buffer): NamedDestination | undefined {
  let metric: Names = NONE
  let plain: Names = NONE
  reader.reset(line)
  const valid = succeeds(() => {
    plain = readNames('log_group_name', 'log_stream_name', () => {
      metric = reader.kind() === 'an object' ? readNames('LogGroupName', 'LogStreamName') : skipped()
    })
    reader.finish()
  })
  // A line that only looks like JSON names nothing.
  if (!valid) return undefined
  return named(metric) ?? named(plain)
}

interface Names {
  readonly group: string
  readonly stream: string
}
const NONE: Names = { group: '', stream: '' }

function named({ group, stream }: Names): NamedDestination | undefined {
  return group === '' ? undefined : { group, stream: stream === '' ? undefined : stream }
}

/** @param metric reads the value of `_aws`, which stands beside the others at the top */
function readNames(groupKey: string, streamKey: string, metric?: () => void): Names {
  let group = ''
  let stream = ''
  if (!reader.enter('an object')) return NONE
  do {
    reader.key()
    if (isKey(groupKey)) group = nameText()
    else if (isKey(streamKey)) stream = nameText()
    else if (metric !== undefined && isKey('_aws')) metric()
    else reader.skip()
  } while (reader.another('an object'))
  return { group, stream }
}

/** Whether the key that was read is this one. No text is made of those that cannot be. */
function isKey(key: string): boolean {
  const length = reader.to - reader.from
  if (!reader.escaped) return length === key.length && reader.text() === key
  return length <= key.length * MAX_ESCAPE_BYTES && reader.text() === key
}

/** A text, or its beginning if it is longer than a name can be; empty for what is no text. */
function nameText(): string {
  if (reader.kind() !== 'a text') {
    reader.skip()
    return ''
  }
  reader.string()
  const { bytes, from, to, escaped } = reader
  const most = Math.min(to, from + MAX_NAME_BYTES)
  if (!escaped) return bytes.toString('utf8', from, most)
  let end = from
  while (end < most) end += bytes[end] === 0x5c ? escapeLength(bytes, end, to) : 1
  const text = Buffer.alloc(end - from)
  return text.toString('utf8', 0, unescapeJson(bytes, from, end, text, 0))
}

function skipped(): Names {
  reader.skip()
  return NONE
}

function succeeds(read: () => void): boolean {
  try {
    read()
    return true
  } catch (error) {
    // Not JSON is an answer here, not a failure.
    if (error instanceof JsonProblem) return false
    throw error
  } finally {
    reader.letGo()
  }
}
