import type { Accepted } from '../accounting/outcome.ts'
import { ProtobufWriter } from '../wire/protobuf-writer.ts'
import type { Format } from './format.ts'

const FULL_SUCCESS: Readonly<Record<Format, Uint8Array>> = {
  protobuf: new Uint8Array(0),
  json: Buffer.from('{}'),
}

/**
 * Returns an ExportLogsServiceResponse. `partial_success` is unset on full success (OTLP 1.11: MUST); with 0 rejected and a
 * message it is a warning. The bytes may be shared: do not write to them.
 */
export function exportLogsResponse(accepted: Accepted, format: Format): Uint8Array {
  if (accepted.rejected === 0 && accepted.message === '') return FULL_SUCCESS[format]
  return format === 'protobuf' ? partialSuccessBytes(accepted) : Buffer.from(partialSuccessJson(accepted))
}

/** ExportLogsServiceResponse{partial_success = 1}, ExportLogsPartialSuccess{rejected_log_records = 1, error_message = 2} */
function partialSuccessBytes(accepted: Accepted): Uint8Array {
  const writer = new ProtobufWriter(64 + accepted.message.length * 3)
  const partialSuccess = writer.begin(1)
  writer.int64(1, BigInt(accepted.rejected))
  writer.string(2, accepted.message)
  writer.end(partialSuccess)
  return writer.view()
}

/** int64 is a decimal string in protobuf's JSON. */
function partialSuccessJson(accepted: Accepted): string {
  const partialSuccess = { rejectedLogRecords: String(accepted.rejected), errorMessage: accepted.message }
  return JSON.stringify({ partialSuccess })
}
