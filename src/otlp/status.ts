import { ANSWERS, type GrpcCode } from '../component/answers.ts'
import type { Refused, Retry } from '../accounting/outcome.ts'
import { ProtobufWriter } from '../wire/protobuf-writer.ts'
import type { Format } from './format.ts'

/** A google.rpc.Status with the details that OTLP defines. */
export interface Status {
  readonly code: GrpcCode
  /** For people: what is wrong and what to do. */
  readonly message: string
  /** RetryInfo: ms after which the sender may retry. Without it a client drops the request. */
  readonly retryAfterMs?: number | undefined
  /** BadRequest: the invalid field of the request. */
  readonly violation?: Violation | undefined
}

export interface Violation {
  /** A path into the request, empty for the whole. */
  readonly field: string
  readonly description: string
}

/**
 * Returns the Status of an outcome: a retry has its delay, malformed data a violation.
 * @param field path of the malformed field, if known
 */
export function statusOf(outcome: Retry | Refused, field = ''): Status {
  const { cause, message } = outcome
  return {
    code: ANSWERS[cause].grpc,
    message,
    retryAfterMs: outcome.kind === 'retry' ? outcome.afterMs : undefined,
    violation: cause === 'malformed' ? { field, description: message } : undefined,
  }
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest'

/** Encodes a Status as the body of an OTLP/HTTP response, or (protobuf) for gRPC's `grpc-status-details-bin`. */
export function encodeStatus(status: Status, format: Format): Uint8Array {
  return format === 'protobuf' ? statusBytes(status) : Buffer.from(statusJson(status))
}

/** Status{code = 1, message = 2, details = 3 of Any{type_url = 1, value = 2}} */
function statusBytes(status: Status): Uint8Array {
  const writer = new ProtobufWriter(256)
  writer.uint32(1, status.code)
  writer.string(2, status.message)
  if (status.retryAfterMs !== undefined) {
    const { seconds, nanos } = duration(status.retryAfterMs)
    // RetryInfo{retry_delay = 1 of Duration{seconds = 1, nanos = 2}}
    any(writer, RETRY_INFO, () => {
      const delay = writer.begin(1)
      writer.int64(1, BigInt(seconds))
      writer.uint32(2, nanos)
      writer.end(delay)
    })
  }
  if (status.violation !== undefined) {
    const { field, description } = status.violation
    // BadRequest{field_violations = 1 of FieldViolation{field = 1, description = 2}}
    any(writer, BAD_REQUEST, () => {
      const violation = writer.begin(1)
      writer.string(1, field)
      writer.string(2, description)
      writer.end(violation)
    })
  }
  return writer.view()
}

function any(writer: ProtobufWriter, typeUrl: string, write: () => void): void {
  const detail = writer.begin(3)
  writer.string(1, typeUrl)
  const value = writer.begin(2)
  write()
  writer.end(value)
  writer.end(detail)
}

function statusJson(status: Status): string {
  const details: Record<string, unknown>[] = []
  if (status.retryAfterMs !== undefined) {
    const { seconds, nanos } = duration(status.retryAfterMs)
    const fraction = nanos === 0 ? '' : `.${String(nanos / 1e6).padStart(3, '0')}`
    details.push({ '@type': RETRY_INFO, retryDelay: `${seconds}${fraction}s` })
  }
  if (status.violation !== undefined) details.push({ '@type': BAD_REQUEST, fieldViolations: [status.violation] })
  return JSON.stringify({ code: status.code, message: status.message, ...(details.length > 0 && { details }) })
}

/** Converts ms, rounded up, to a google.protobuf.Duration. */
function duration(ms: number): { seconds: number; nanos: number } {
  const whole = Math.ceil(ms)
  return { seconds: Math.floor(whole / 1000), nanos: (whole % 1000) * 1e6 }
}
