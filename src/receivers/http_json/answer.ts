import type { Refused, Retry } from '../../accounting/outcome.ts'
import { ANSWERS } from '../../component/answers.ts'
import type { HttpAnswer } from '../../intake/http/http-answer.ts'
import { answerOutcome } from '../../intake/http/http-answer.ts'
import type { InvalidLog } from './invalid-log.ts'

const JSON_TYPE = 'application/json'

export const KEY_IN_FLIGHT: Refused = {
  kind: 'refused',
  cause: 'key_in_flight',
  message: 'a request with this Idempotency-Key has no response yet: try again later',
}

export const KEY_REUSED: Refused = {
  kind: 'refused',
  cause: 'key_reused',
  message: 'this Idempotency-Key was used for other logs within 24 hours: send a new key with new logs',
}

export const BAD_KEY: Refused = {
  kind: 'refused',
  cause: 'invalid',
  message: 'Idempotency-Key is not a key: send 1 to 255 visible ASCII characters, such as a UUID',
}

export const KEYS_UNAVAILABLE: Retry = {
  kind: 'retry',
  cause: 'storage_failed',
  afterMs: 1_000,
  message: 'the Idempotency-Key cannot be written to disk: try again later',
}

/** The keys of the object are in the order of `/openapi.json`. */
export function answerJson(status: number, value: object, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: { 'content-type': JSON_TYPE, 'content-length': body.length, ...headers }, body }
}

/** The response to accepted logs, and to the same request again. @param rejected records that no exporter took */
export function answerQueued(status: number, rejected: number, message: string, isRepeated: boolean): HttpAnswer {
  const value = { status: 'queued', ...(rejected > 0 && { rejected }), ...(message !== '' && { message }) }
  return answerJson(status, value, isRepeated ? { 'idempotency-replayed': 'true' } : {})
}

/** A 422 with the field, as a list that clients of FastAPI know. */
export function answerInvalid({ index, field, message }: InvalidLog): HttpAnswer {
  const { http, grpc } = ANSWERS.invalid
  const loc = ['body', ...(index === undefined ? [] : [index]), ...(field === undefined ? [] : [field])]
  return answerJson(http, { code: grpc, message, detail: [{ loc, msg: message, type: 'value_error' }] })
}

export function answerRefused(outcome: Refused | Retry): HttpAnswer {
  const answer = answerOutcome(outcome, 'json', '')
  if (outcome.cause !== 'key_in_flight') return answer
  return { ...answer, headers: { ...answer.headers, 'retry-after': '1' } }
}
