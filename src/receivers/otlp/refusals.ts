import type { Refused, Retry } from '../../accounting/outcome.ts'

// What senders are told by the receiver itself, before a pipeline has seen anything.

/** Long enough for a few puts to finish, short enough for a sender's own queue. */
const RETRY_AFTER_MS = 1_000

export const BUDGET_FULL: Retry = {
  kind: 'retry',
  cause: 'budget_full',
  afterMs: RETRY_AFTER_MS,
  message: 'the buffers are full: try again later',
}

/** @param key the option that holds the limit */
export function tooLarge(limitBytes: number, key: string): Refused {
  const message = `the request is larger than ${limitBytes} bytes (${key}), which also holds after decompression: send smaller batches`
  return { kind: 'refused', cause: 'too_large', message }
}

export function corrupt(encoding: string): Refused {
  const message = `the body is not valid ${encoding}, ends too early, or has bytes behind its end`
  return { kind: 'refused', cause: 'malformed', message }
}

export function unsupportedEncoding(encoding: string, supported: readonly string[]): Refused {
  const message = `the encoding ${JSON.stringify(encoding)} is not supported: send ${supported.join(', ')}`
  return { kind: 'refused', cause: 'unsupported_encoding', message }
}
