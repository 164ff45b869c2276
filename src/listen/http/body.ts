import type { IncomingMessage } from 'node:http'
import { constants, type Http2ServerRequest } from 'node:http2'
import { freeBytes } from '../../wire/free-bytes.ts'
import { GrowingBytes } from '../memory/growing-bytes.ts'
import type { Holding } from '../memory/holding.ts'

export type HttpRequest = IncomingMessage | Http2ServerRequest

/** `aborted`: the sender went away; there is nobody to answer. */
export type BodyFailure = 'too_large' | 'budget_full' | 'aborted'

/**
 * Reads a request's body into one buffer. `done` is called once, never before this returns.
 *
 * @param announced Content-Length; undefined where the body comes in chunks of its own
 * @param limit most bytes of body
 * @param holding is charged as bytes come; what `done` is given is good until it is released
 */
export function readBody(
  request: HttpRequest,
  announced: number | undefined,
  limit: number,
  holding: Holding,
  done: (bytes: Uint8Array | undefined, failure: BodyFailure | undefined) => void,
): void {
  const body = new GrowingBytes(holding, announced ?? limit, announced !== undefined)
  // Pieces of HTTP/1 are copies made for this request; those of HTTP/2 lie in what the connection reads into.
  const ownsPieces = request.httpVersionMajor === 1
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
    else if (appended === 'copied' && ownsPieces) freeBytes(chunk)
  })
  request.once('end', () => finish(undefined))
  request.once('close', () => finish('aborted'))
}

/** How many times the limit is stepped over at the most. */
const DRAINED_LIMITS = 4

/**
 * Steps over the rest of a body that was refused, so that the connection stays good for the next request and the sender
 * gets to read the answer: a socket closed on unread bytes is reset, and the answer with it. Who goes on far beyond the
 * limit is cut off.
 */
export function drain(request: HttpRequest, limit: number): void {
  let left = limit * DRAINED_LIMITS
  const ownsPieces = request.httpVersionMajor === 1
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    // Node would leave them to the garbage collector, which then takes most of the time that a refusal takes.
    if (ownsPieces) freeBytes(chunk)
    if (left < 0) cutOff(request)
  })
}

/** Ends a request without an answer: in HTTP/1.1 its connection, in HTTP/2 its stream. */
export function cutOff(request: HttpRequest): void {
  if ('stream' in request) request.stream.close(constants.NGHTTP2_CANCEL)
  else request.destroy()
}
