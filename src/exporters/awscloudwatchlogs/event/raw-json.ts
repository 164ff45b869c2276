// Reads raw log lines in JSON as a stream: a line may be as long as a request, and `JSON.parse` would create an object per
// value.

import { escapeLength, unescapeJson } from '../../../wire/json-unescape.ts'
import { JsonProblem, JsonReader } from '../../../otlp/json-reader.ts'

// Shared, since reading never yields.
const reader = new JsonReader()

/** Maximum bytes read of a name: 512 characters of a log group or stream, each as two escapes, and some more. */
const MAX_NAME_BYTES = 8_192
/** Bytes of one character of a key as `\u0061`. */
const MAX_ESCAPE_BYTES = 6

export interface NamedDestination {
  readonly group: string
  readonly stream: string | undefined
}

/** Whether the whole line is JSON, within the reader's maximum depth. */
export function isJson(line: Buffer): boolean {
  reader.reset(line)
  return succeeds(() => {
    reader.skip()
    reader.finish()
  })
}

/**
 * The destination named in a line of JSON: `_aws.LogGroupName` (embedded metric format), else `log_group_name`, each with its
 * stream. The last of duplicate keys applies, as is usual in JSON.
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
  // Invalid JSON names no destination.
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

/** @param metric reads the value of `_aws`, at the same level as the keys */
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

/** Whether the last key read equals `key`. Keys of an impossible length are not decoded. */
function isKey(key: string): boolean {
  const length = reader.to - reader.from
  if (!reader.escaped) return length === key.length && reader.text() === key
  return length <= key.length * MAX_ESCAPE_BYTES && reader.text() === key
}

/** A string, truncated if it is longer than any name; empty for other values. */
function nameText(): string {
  if (reader.kind() !== 'a string') {
    reader.skip()
    return ''
  }
  reader.string()
  const { bytes, from, to, escaped } = reader
  const limit = Math.min(to, from + MAX_NAME_BYTES)
  if (!escaped) return bytes.toString('utf8', from, limit)
  let end = from
  while (end < limit) end += bytes[end] === 0x5c ? escapeLength(bytes, end, to) : 1
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
    // Invalid JSON is a result here, not a failure.
    if (error instanceof JsonProblem) return false
    throw error
  } finally {
    reader.release()
  }
}
