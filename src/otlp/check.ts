import { MalformedProtobuf, ProtobufReader } from '../wire/protobuf-reader.ts'
import { ANY_VALUE, EXPORT_LOGS_SERVICE_REQUEST, LOG_RECORD, MAX_VALUE_DEPTH, type Message } from './schema.ts'

// Shared by all checks, as a check never yields.
const reader = new ProtobufReader()

/**
 * Checks a whole ExportLogsServiceRequest: lengths, varints and the wire type of every known field. Unknown fields are skipped.
 * Strings are not checked for UTF-8 nor ids for their length: the event writer fixes both.
 *
 * @returns the number of LogRecords
 * @throws MalformedProtobuf, and nothing else, for any bytes
 */
export function countRecords(bytes: Uint8Array): number {
  reader.reset(bytes)
  try {
    return checkMessage(EXPORT_LOGS_SERVICE_REQUEST, 0)
  } finally {
    reader.release()
  }
}

/** Returns the number of ResourceLogs in a checked request. */
export function countResourceLogs(bytes: Uint8Array): number {
  reader.reset(bytes)
  let count = 0
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag >>> 3 === 1) count++
    reader.skip(tag)
  }
  reader.release()
  return count
}

/** Checks from `reader.pos` to `reader.end`; recursion is bounded by MAX_VALUE_DEPTH. */
function checkMessage(message: Message, valueDepth: number): number {
  let records = message === LOG_RECORD ? 1 : 0
  while (reader.pos < reader.end) {
    const at = reader.pos
    const tag = reader.tag()
    const field = message.fields[tag >>> 3]
    if (field === undefined) {
      reader.skip(tag)
      continue
    }
    if ((tag & 7) !== field.wireType) {
      const problem = `${message.name}.${field.name} has wire type ${tag & 7}, not ${field.wireType},`
      throw new MalformedProtobuf(problem, at)
    }
    if (field.message === undefined || (field.message === ANY_VALUE && valueDepth === MAX_VALUE_DEPTH)) {
      reader.skip(tag)
      continue
    }
    const length = reader.length()
    const outerEnd = reader.end
    reader.end = reader.pos + length
    records += checkMessage(field.message, field.message === ANY_VALUE ? valueDepth + 1 : valueDepth)
    reader.end = outerEnd
  }
  return records
}
