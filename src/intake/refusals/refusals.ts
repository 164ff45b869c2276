import type { Refused, Retry } from '../../accounting/outcome.ts'
import { quoted } from '../../listen/socket/last-words.ts'

// Responses of the receiver itself, before a pipeline sees a request.

/** Long enough for a few puts to finish, short enough for a sender's own queue. */
const RETRY_AFTER_MS = 1_000

export const BUDGET_FULL: Retry = {
  kind: 'retry',
  cause: 'budget_full',
  afterMs: RETRY_AFTER_MS,
  message: 'the buffers are full: try again later',
}

export const TOO_MANY_CONNECTIONS: Retry = {
  kind: 'retry',
  cause: 'budget_full',
  afterMs: RETRY_AFTER_MS,
  message: 'too many connections are open: try again later, or raise max_connections or the memory of the process',
}

export const TOO_MANY_REQUESTS =
  'it has too many open requests for the memory of this process: make it wait for responses, or use fewer connections'

/** @param key the option that holds the limit */
export function tooLarge(limitBytes: number, key: string): Refused {
  const message = `the request is larger than ${limitBytes} bytes (${key}), before or after decompression: send smaller batches`
  return { kind: 'refused', cause: 'too_large', message }
}

export function corrupt(encoding: string): Refused {
  const message = `the body is not valid ${encoding}, ends too early, or has trailing data`
  return { kind: 'refused', cause: 'malformed', message }
}

const MALFORMED_CALLS = {
  incomplete: 'the call ended before its message was complete: send one whole message in a call',
  bad_flag: 'the message is marked as compressed, but grpc-encoding names no encoding: send grpc-encoding with it',
  second_message: 'the call has a second message: send one message in a call',
}

export function malformedCall(problem: keyof typeof MALFORMED_CALLS): Refused {
  return { kind: 'refused', cause: 'malformed', message: MALFORMED_CALLS[problem] }
}

export function unsupportedEncoding(encoding: string, supported: readonly string[]): Refused {
  const message = `the encoding ${quoted(encoding)} is not supported: send ${supported.join(', ')}`
  return { kind: 'refused', cause: 'unsupported_encoding', message }
}

/** @param key the option that holds the limit of bytes */
export function headerTooLarge(limitBytes: number, maxFields: number, key: string): string {
  return `the head of the request has more than ${limitBytes} bytes (${key}) or ${maxFields} fields: send fewer headers, or raise ${key}`
}

/** @param here the protocol of this port @param port the port of the other protocol, if it is open */
export function wrongPort(sent: string, here: string, other: string, port: number | undefined): string {
  const advice =
    port === undefined ? `send ${here}, or add protocols.${other} to the otlp receiver` : `send to port ${port}`
  return `it sent ${sent}, but this port takes ${here}: ${advice}`
}

export function tlsOnPlainPort(protocol: string): string {
  return `it speaks TLS, but this port does not: send without TLS (http://, insecure: true), or set protocols.${protocol}.tls`
}

export function plainOnTlsPort(): string {
  return 'it sent without TLS, but this port takes TLS only: send with TLS (https://, insecure: false)'
}

export function tlsFailed(detail: string): string {
  return `the TLS handshake failed (${detail}): check its certificate, its authorities, and the TLS version on both sides`
}
