import type { OutgoingHttpHeaders } from 'node:http'
import { ANSWERS, type GrpcCode } from '../../component/answers.ts'
import type { Outcome } from '../../accounting/outcome.ts'
import { MEDIA_TYPES, type Format } from '../../otlp/format.ts'
import { exportLogsResponse } from '../../otlp/response.ts'
import { encodeStatus, statusOf } from '../../otlp/status.ts'

/** An OTLP/HTTP response, ready to send. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Uint8Array
}

/** @param field path of the malformed field, if known */
export function answerOutcome(outcome: Outcome, format: Format, field: string): HttpAnswer {
  if (outcome.kind === 'accepted') return answer(200, format, exportLogsResponse(outcome, format))
  const body = encodeStatus(statusOf(outcome, field), format)
  const plain = answer(ANSWERS[outcome.cause].http, format, body)
  if (outcome.kind === 'refused') return plain
  // Whole seconds (RFC 9110), never too early.
  const retryAfter = String(Math.max(1, Math.ceil(outcome.afterMs / 1000)))
  return { ...plain, headers: { ...plain.headers, 'retry-after': retryAfter } }
}

/** The response to a request that is not OTLP: wrong path, method or media type. */
export function answerError(status: number, code: GrpcCode, message: string, headers: OutgoingHttpHeaders): HttpAnswer {
  const plain = answer(status, 'json', encodeStatus({ code, message }, 'json'))
  return { ...plain, headers: { ...plain.headers, ...headers } }
}

function answer(status: number, format: Format, body: Uint8Array): HttpAnswer {
  return { status, headers: { 'content-type': MEDIA_TYPES[format], 'content-length': body.length }, body }
}
