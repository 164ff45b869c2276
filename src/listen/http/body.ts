import type { IncomingMessage } from 'node:http'
import { constants, type Http2ServerRequest } from 'node:http2'
import { freeBytes } from '../../wire/free-bytes.ts'
import { GrowingBytes } from '../memory/growing-bytes.ts'
import type { Holding } from '../memory/holding.ts'

export type HttpRequest = IncomingMessage | Http2ServerRequest

/** `aborted`: the sender disconnected, so no response is possible. */
export type BodyFailure = 'too_large' | 'budget_full' | 'aborted'

/**
 * Reads a request's body into one buffer. `done` is called once, never before this returns.
 *
 * @param announced Content-Length; undefined for a chunked body
 * @param limit maximum bytes of body
 * @param holding charged as bytes arrive; the bytes passed to `done` are valid until it is released
 */
export function readBody(
  request: HttpRequest,
  announced: number | undefined,
  limit: number,
  holding: Holding,
  done: (bytes: Uint8Array | undefined, failure: BodyFailure | undefined) => void,
): void {
  const body = new GrowingBytes(holding, announced ?? limit, announced !== undefined)
  // HTTP/1 chunks are copies made for this request; HTTP/2 chunks lie in the connection's read buffer.
  const ownsChunks = request.httpVersionMajor === 1
  let over = false
  const finish = (failure: BodyFailure | undefined) => {
    if (over) return
    over = true
    if (failure !== undefined && failure !== 'aborted') drain(request, limit)
    done(failure === undefined ? body.view() : undefined, failure)
  }
  request.on('data', (chunk: Buffer) => {
    if (over) return
    if (body.length + chunk.length > limit) return finish('too_large')
    const appended = body.append(chunk)
    if (appended === 'full') finish('budget_full')
    else if (appended === 'copied' && ownsChunks) freeBytes(chunk)
  })
  request.once('end', () => finish(undefined))
  request.once('close', () => finish('aborted'))
}

/** Maximum bytes to discard, as a multiple of the limit. */
const DRAINED_LIMITS = 4

/**
 * Discards the rest of a refused body, so that the connection stays usable for the next request and the sender can read the
 * response: a socket closed on unread bytes is reset, and the response is lost. A sender far beyond the limit is cut off.
 */
export function drain(request: HttpRequest, limit: number): void {
  let left = limit * DRAINED_LIMITS
  const ownsChunks = request.httpVersionMajor === 1
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    // Node would leave them to the garbage collector, which would then take most of the time of a refusal.
    if (ownsChunks) freeBytes(chunk)
    if (left < 0) cutOff(request)
  })
}

/** Ends a request without a response: its connection in HTTP/1.1, its stream in HTTP/2. */
export function cutOff(request: HttpRequest): void {
  if ('stream' in request) request.stream.close(constants.NGHTTP2_CANCEL)
  else request.destroy()
}
