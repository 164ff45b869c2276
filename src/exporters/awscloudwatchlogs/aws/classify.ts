// The only place where an answer of CloudWatch becomes an outcome. It is decided by error code and status, never by the text of
// a message (except NOT_CONNECTED). Codes: the errors modeled for PutLogEvents, CreateLogGroup, CreateLogStream,
// PutRetentionPolicy, and the common errors of AWS APIs
// (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html).

import {
  type Fault,
  type PutMissing,
  type PutOutcome,
  type PutRefused,
  type PutRetry,
  type RejectedRange,
  retry,
} from '../../../delivery/contract/sender.ts'
import { DENIED_CODES, EXPIRED_CODES, INVALID_CODES, SIGNATURE_CODES } from '../../../aws/codes.ts'
import { isLocalCode, LocalFault } from '../../../aws/local-fault.ts'
import { NoCredentials } from '../../../aws/credentials/no-credentials.ts'
import { retryAfterMs } from '../../../aws/retry-after.ts'
import { describeForeignAnswer, signedWithWrongTime } from './foreign-answer.ts'

/** A failed call of any kind. */
export type CallFailure = PutRetry | PutRefused | PutMissing

/** PutLogEvents must be repeated with a sequence token: an old endpoint requires one. */
export interface SequenceNeeded {
  readonly kind: 'sequence'
  readonly expected: string | undefined
  readonly message: string
}

/** `exists`: the group or stream was there already. */
export type CreationOutcome = { readonly kind: 'done' } | { readonly kind: 'exists' } | CallFailure

const throttled: Fault = { scope: 'account', reason: 'throttled', lasting: false }
const expired: Fault = { scope: 'credential', reason: 'credentials_expired', lasting: false }
const invalid: Fault = { scope: 'credential', reason: 'credentials_invalid', lasting: true }
const missing: Fault = { scope: 'credential', reason: 'credentials_missing', lasting: true }
const notAllowed: Fault = { scope: 'credential', reason: 'credentials_denied', lasting: true }
const unavailable: Fault = { scope: 'credential', reason: 'credentials_unavailable', lasting: false }
const clock: Fault = { scope: 'credential', reason: 'clock_skew', lasting: false }
const denied: Fault = { scope: 'group', reason: 'access_denied', lasting: true }
const server: Fault = { scope: 'endpoint', reason: 'server_error', lasting: false }
const conflict: Fault = { scope: 'group', reason: 'conflict', lasting: false }
const configuration: Fault = { scope: 'endpoint', reason: 'configuration', lasting: true }
const redirected: Fault = { scope: 'endpoint', reason: 'redirected', lasting: true }
const foreign: Fault = { scope: 'endpoint', reason: 'garbage_answer', lasting: false }
const quota: Fault = { scope: 'group', reason: 'quota_exceeded', lasting: true }

const CODES: Readonly<Record<string, Fault>> = {
  ThrottlingException: throttled,
  Throttling: throttled,
  ThrottledException: throttled,
  RequestThrottled: throttled,
  RequestThrottledException: throttled,
  RequestLimitExceeded: throttled,
  TooManyRequestsException: throttled,
  SlowDown: throttled,
  BandwidthLimitExceeded: throttled,

  ...codes(EXPIRED_CODES, expired),
  RequestExpired: clock,
  RequestTimeTooSkewed: clock,
  RequestInTheFuture: clock,
  ...codes(INVALID_CODES, invalid),
  CredentialsProviderError: missing,
  TokenProviderError: missing,

  ...codes(DENIED_CODES, denied),

  ServiceUnavailable: server,
  ServiceUnavailableException: server,
  InternalFailure: server,
  InternalServerError: server,
  InternalServiceException: server,
  InternalError: server,
  RequestTimeout: server,
  RequestTimeoutException: server,

  OperationAbortedException: conflict,
  LimitExceededException: quota,
}

const SIGNATURE: ReadonlySet<string> = new Set(SIGNATURE_CODES)

/** Codes of requests that will never be accepted unchanged. */
const REFUSED: ReadonlySet<string> = new Set([
  'InvalidParameterException',
  'InvalidParameterValue',
  'InvalidParameterCombination',
  'ValidationException',
  'ValidationError',
  'SerializationException',
  'MalformedQueryString',
  'RequestEntityTooLarge',
])

/** The connection was never made, or its certificate not trusted, so nothing can have been accepted. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ERR_PROXY_TUNNEL',
  // Node's documentation of tls, "X509 certificate error codes".
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
/** The SDK's message for a connect timeout, which has the same name as other timeouts and no code. */
const NOT_CONNECTED = /did not establish a connection/

/** System calls before anything is sent, whatever their code: no file descriptor is free, or a local firewall blocks. */
const CONNECTING: ReadonlySet<unknown> = new Set(['socket', 'connect', 'getaddrinfo'])

/** Codes of an unreadable token or profile file. */
const NO_FILE: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR'])

/** Statuses after which the call may still have been carried out. */
const MAYBE_TAKEN_STATUS: ReadonlySet<number> = new Set([500, 502, 504])

/** Turns an error of PutLogEvents into an outcome. */
export function classifyPut(error: unknown): PutOutcome | SequenceNeeded {
  const { name, message } = read(error)
  if (name === 'DataAlreadyAcceptedException') return { kind: 'accepted', rejected: [] }
  if (name === 'InvalidSequenceTokenException') return { kind: 'sequence', expected: expectedToken(error), message }
  return classify(error)
}

/** Turns an error of CreateLogGroup, CreateLogStream or PutRetentionPolicy into an outcome. */
export function classifyCreation(error: unknown): CreationOutcome {
  return read(error).name === 'ResourceAlreadyExistsException' ? { kind: 'exists' } : classify(error)
}

/** Turns an error of any call into an outcome. */
function classify(error: unknown): CallFailure {
  if (error instanceof NoCredentials) return classifyNoCredentials(error)
  const { name, code, message, status, retryAfter: afterMs } = read(error)
  if (error instanceof LocalFault || isLocalCode(code)) return retry(configuration, localText(error))
  if (name === 'ResourceNotFoundException') return { kind: 'missing', message }
  const text = `${name}: ${message}`
  if (SIGNATURE.has(name)) return badSignature(error, text, afterMs)
  const isKnown = Object.hasOwn(CODES, name) || REFUSED.has(name)
  const foreignAnswer = isKnown ? undefined : describeForeignAnswer(error)
  if (foreignAnswer !== undefined && status !== undefined && status !== 413) {
    // The call did not reach CloudWatch, unless something in between lost the answer.
    const maybeTaken = status < 300 || MAYBE_TAKEN_STATUS.has(status)
    const verdict = status >= 500 ? server : status >= 300 && status < 400 ? redirected : foreign
    return retry(verdict, foreignAnswer, { afterMs, maybeTaken })
  }
  if (REFUSED.has(name) || status === 413) return { kind: 'refused', message: foreignAnswer ?? text }
  const verdict = Object.hasOwn(CODES, name) ? CODES[name] : byStatus(status)
  if (verdict !== undefined) {
    const maybeTaken = status !== undefined && MAYBE_TAKEN_STATUS.has(status)
    return retry(verdict, text, { afterMs, maybeTaken })
  }
  // An unknown code on a 4xx: the group is the narrowest scope it can apply to.
  if (status !== undefined && status >= 400)
    return retry({ scope: 'group', reason: 'unknown_error', lasting: true }, text, { afterMs })
  // No answer, or one that does not come from CloudWatch (a proxy's page).
  const reason =
    status === undefined ? (name === 'TimeoutError' || name === 'AbortError' ? 'timeout' : 'network') : 'garbage_answer'
  const maybeTaken = !NOT_SENT.has(code ?? '') && !NOT_CONNECTED.test(message) && !CONNECTING.has(syscallOf(error))
  const what = code === undefined ? text : `${code}: ${message}`
  return retry({ scope: 'endpoint', reason, lasting: false }, what, { maybeTaken })
}

/** Nothing was sent to CloudWatch. */
export function classifyNoCredentials({ cause, message }: NoCredentials): PutRetry {
  const facts = read(cause)
  return retry(credentialVerdict(facts), firstLine(message), { afterMs: facts.retryAfter })
}

/** Classifies an error of a credentials source; STS uses the same codes. */
function credentialVerdict({ name, code, status, isSkewed }: ErrorFacts): Fault {
  if (name === 'LocalFault' || isLocalCode(code)) return { ...configuration, scope: 'credential' }
  if (SIGNATURE.has(name)) return isSkewed ? clock : invalid
  const verdict = Object.hasOwn(CODES, name) ? CODES[name] : byStatus(status)
  if (verdict?.scope === 'credential') return verdict
  if (verdict === throttled || verdict === server) return unavailable
  if (status !== undefined) return notAllowed
  // No answer, or a missing file.
  const isPassing = name === 'TimeoutError' || name === 'AbortError' || (code !== undefined && !NO_FILE.has(code))
  return isPassing ? unavailable : missing
}

/** A clock that is off by minutes invalidates signatures; otherwise the secret or the Region is wrong. */
function badSignature(error: unknown, text: string, afterMs: number): PutRetry {
  if (signedWithWrongTime(error)) return retry(clock, text, { afterMs })
  const cause = 'the secret access key does not match the access key id, or the endpoint is in another Region'
  return retry(invalid, `${text} (${cause})`, { afterMs })
}

function localText(error: unknown): string {
  const { name, code, message } = read(error instanceof LocalFault ? error.cause : error)
  return `nothing was sent, a setting is wrong: ${code ?? name}: ${message}`
}

function syscallOf(error: unknown): unknown {
  return (error as { readonly syscall?: unknown } | null | undefined)?.syscall
}

function codes(names: readonly string[], verdict: Fault): Record<string, Fault> {
  return Object.fromEntries(names.map((name) => [name, verdict]))
}

function byStatus(status: number | undefined): Fault | undefined {
  if (status === undefined) return undefined
  if (status === 429) return throttled
  if (status === 403 || status === 401) return denied
  return status >= 500 ? server : undefined
}

/** Events that a successful PutLogEvents did not store. */
export interface RejectedInfo {
  readonly tooOldLogEventEndIndex?: number | undefined
  readonly expiredLogEventEndIndex?: number | undefined
  readonly tooNewLogEventStartIndex?: number | undefined
}

/**
 * The rejected ranges of `count` events sorted by time:
 *
 *   0 … tooOldEnd … expiredEnd ………… tooNewStart … count        ends are exclusive, the start is inclusive
 *   too_old     expired_retention   kept        too_new
 */
export function rejectedRanges(info: RejectedInfo | undefined, count: number): readonly RejectedRange[] {
  if (info === undefined) return NOTHING
  const ranges: RejectedRange[] = []
  const within = (index: number) => Math.min(Math.max(index, 0), count)
  const oldEnd = within(info.tooOldLogEventEndIndex ?? 0)
  const expiredEnd = within(info.expiredLogEventEndIndex ?? 0)
  const newStart = Math.max(within(info.tooNewLogEventStartIndex ?? count), oldEnd, expiredEnd)
  if (oldEnd > 0) ranges.push({ from: 0, to: oldEnd, reason: 'too_old' })
  if (expiredEnd > oldEnd) ranges.push({ from: oldEnd, to: expiredEnd, reason: 'expired_retention' })
  if (newStart < count) ranges.push({ from: newStart, to: count, reason: 'too_new' })
  return ranges
}

const NOTHING: readonly RejectedRange[] = []

interface ErrorFacts {
  readonly name: string
  /** Node's code of a socket or DNS error. */
  readonly code: string | undefined
  readonly message: string
  /** HTTP status; undefined without an answer. */
  readonly status: number | undefined
  readonly retryAfter: number
  /** The call was signed with a time that is off by minutes. */
  readonly isSkewed: boolean
}

/** The fields of the SDK's errors; any other thrown value becomes the message. */
function read(error: unknown): ErrorFacts {
  if (typeof error !== 'object' || error === null) {
    return { name: 'Error', code: undefined, message: String(error), status: undefined, retryAfter: 0, isSkewed: false }
  }
  const facts = error as {
    readonly name?: unknown
    readonly code?: unknown
    readonly message?: unknown
    readonly $metadata?: { readonly httpStatusCode?: unknown }
    readonly $response?: { readonly headers?: Readonly<Record<string, unknown>> }
  }
  const status = facts.$metadata?.httpStatusCode
  return {
    name: typeof facts.name === 'string' ? facts.name : 'Error',
    code: typeof facts.code === 'string' ? facts.code : undefined,
    message: firstLine(typeof facts.message === 'string' ? facts.message : ''),
    status: typeof status === 'number' ? status : undefined,
    retryAfter: retryAfterMs(facts.$response?.headers),
    isSkewed: signedWithWrongTime(error),
  }
}

function expectedToken(error: unknown): string | undefined {
  const token = (error as { readonly expectedSequenceToken?: unknown }).expectedSequenceToken
  return typeof token === 'string' && token !== '' ? token : undefined
}

/** The first line, truncated, because messages are logged and stored. */
function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? ''
  return line.length > 500 ? `${line.slice(0, 500)}…` : line
}
