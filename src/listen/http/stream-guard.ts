// Hot path: runs once for each stream of HTTP/2.
import {
  constants,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { roomForSenders, streamBytes } from '../socket/connection-room.ts'

/** Interval of the sweep for streams that were answered but are kept open by their sender. */
const SWEEP_MS = 1_000

export interface StreamGuardOptions {
  readonly maxHeaderBytes: number
  /** Called for a stream without room; it is refused (REFUSED_STREAM: not processed, may be retried). */
  refused(stream: ServerHttp2Stream): void
  /** Answers a stream whose head has more than `maxHeaderBytes`. */
  headerTooLarge(stream: ServerHttp2Stream): void
  /** @returns false for a stream that has been answered and must not be processed further */
  check?(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean
}

type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => void

/**
 * Wraps the stream listeners of an HTTP/2 server: charges each stream to the room for streams, and refuses it when there is
 * none. Call this after the server has added its own listeners.
 * @returns a function that stops the sweep; streams are closed with their sessions
 */
export function guardStreams(server: Http2Server | Http2SecureServer, options: StreamGuardOptions): () => void {
  // Both have this event, but the types of their listeners are incompatible.
  const streams = server as Http2Server
  const listeners = streams.listeners('stream') as StreamListener[]
  streams.removeAllListeners('stream')
  const perSession = new WeakMap<ServerHttp2Session, number>()
  /** Open streams, and whether each had been answered at the last sweep. */
  const open = new Map<ServerHttp2Stream, boolean>()
  streams.on('stream', (stream, headers, flags, raw: unknown) => {
    const rawHeaders = raw as string[]
    stream.on('error', ignore)
    const session = stream.session as ServerHttp2Session | undefined
    if (session === undefined || stream.destroyed) return
    const others = perSession.get(session) ?? 0
    const bytes = streamBytes(rawHeaders)
    if (!roomForSenders.openStream(bytes, others)) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
      return options.refused(stream)
    }
    perSession.set(session, others + 1)
    open.set(stream, false)
    stream.once('close', () => {
      roomForSenders.closeStream(bytes)
      perSession.set(session, (perSession.get(session) ?? 1) - 1)
      open.delete(stream)
    })
    if (headBytes(rawHeaders) > options.maxHeaderBytes) return options.headerTooLarge(stream)
    if (options.check?.(stream, headers) === false) return
    for (const listener of listeners) listener.call(streams, stream, headers, flags, rawHeaders)
  })
  const sweep = setInterval(() => {
    for (const [stream, answered] of open) {
      if (answered) stream.close(constants.NGHTTP2_NO_ERROR)
      else if (stream.writableFinished) open.set(stream, true)
    }
  }, SWEEP_MS).unref()
  return () => clearInterval(sweep)
}

function headBytes(rawHeaders: readonly string[]): number {
  let bytes = 0
  for (const text of rawHeaders) bytes += text.length
  return bytes
}

/** A failed stream closes too, and `close` is handled. */
function ignore(): void {}
