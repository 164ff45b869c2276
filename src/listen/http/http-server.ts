import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Server, Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { HttpRequest } from './body.ts'
import { protocolOf } from '../socket/protocols.ts'
import { guardStreams } from './stream-guard.ts'

/** The part of an answer that HTTP/1.1 and HTTP/2 share. */
export interface HttpResponse {
  readonly headersSent: boolean
  /** HTTP/1.1: sends `100 Continue`. */
  writeContinue(): void
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown
  end(body?: Uint8Array): unknown
  /** The answer is sent, or its sender is gone. */
  once(event: 'close', listener: () => void): unknown
}

/** Bytes that never become a request. `http2` and `tls`: the sender means another port. */
export type NoRequest = 'http2' | 'tls' | 'header_too_large' | 'timeout' | 'malformed_http'

export interface HttpHandler {
  /** @param continueFirst the sender waits for `100 Continue` before it sends the body */
  handle(request: HttpRequest, response: HttpResponse, continueFirst: boolean): void
  /** Answers bytes that are no request on the bare socket, and closes it. @param detail in the parser's words */
  noRequest(problem: NoRequest, socket: Socket, detail: string): void
  /** A TLS handshake failed. */
  tlsFailed(socket: Socket, error: NodeJS.ErrnoException): void
  /** A client sent too many requests before the first was answered, or opened too many streams. */
  tooManyRequests(address: string | undefined): void
  /** Answers a stream of HTTP/2 whose head is too large. */
  headerTooLarge(stream: ServerHttp2Stream): void
}

export interface HttpServerOptions {
  /** HTTP/1.1 in clear without, HTTP/2 and HTTP/1.1 with it. */
  readonly tls: TlsOptions | undefined
  /** Most bytes of the head of a request. */
  readonly maxHeaderBytes: number
  /** ms for a whole request to arrive; 0 is no limit. HTTP/1.1 only: HTTP/2 streams have none in Node. */
  readonly readTimeoutMs: number
  readonly readHeaderTimeoutMs: number
  /** ms without a byte moving while a request or its answer is under way; 0 is no limit. */
  readonly writeTimeoutMs: number
  /** ms a connection may wait for its next request. */
  readonly idleTimeoutMs: number
}

/** How often Node looks for requests that are over their time. */
const TIMEOUT_CHECK_MS = 1_000
/** The default of Go's net/http2. */
export const MAX_CONCURRENT_STREAMS = 250
/** Header fields of a request: Node's limit for HTTP/2. Each costs heap beside its bytes, and 16 KB can hold thousands. */
export const MAX_HEADER_FIELDS = 128
/**
 * Requests on a connection of HTTP/1.1 that wait for the answer to the first of them. No sender of OTLP does that (it is
 * called pipelining), and 64 KB can hold thousands.
 */
const MAX_PIPELINED = 64

/**
 * What an HTTP/2 sender may have on its way before it is read, in bytes. HTTP/2's own 64 KiB make it stop and wait eight
 * times in a request of 500 KB, and the server read in crumbs: 1,459 us of CPU each, against 868. The second one bounds
 * what a whole connection has waiting in memory.
 */
export const STREAM_WINDOW_BYTES = 1_048_576
const CONNECTION_WINDOW_BYTES = 2_097_152

export function widenConnection(session: ServerHttp2Session): void {
  session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
}

/**
 * The settings of an HTTP/2 server. nghttp2 resets a stream over `maxHeaderListSize` and tells nobody, so that is twice what
 * is allowed: what lies between is answered.
 */
export function http2Settings(maxHeaderBytes: number, maxConcurrentStreams: number) {
  return { maxConcurrentStreams, initialWindowSize: STREAM_WINDOW_BYTES, maxHeaderListSize: 2 * maxHeaderBytes }
}

/** An HTTP server that is not listening yet. `stop` ends its timers. */
export function createHttpServer(
  options: HttpServerOptions,
  handler: HttpHandler,
): { readonly server: Server; readonly stop: () => void } {
  const { readTimeoutMs, readHeaderTimeoutMs, idleTimeoutMs, writeTimeoutMs, maxHeaderBytes } = options
  const http1 = {
    requestTimeout: readTimeoutMs,
    // Node refuses a time for the head that is longer than that for the whole.
    headersTimeout: readTimeoutMs === 0 ? readHeaderTimeoutMs : Math.min(readHeaderTimeoutMs, readTimeoutMs),
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    maxHeaderSize: maxHeaderBytes,
    // The handler answers a request without Host, so that it is counted.
    requireHostHeader: false,
  }
  if (options.tls === undefined) {
    const server = createServer(http1)
    serve(server, handler)
    server.setTimeout(writeTimeoutMs)
    return { server, stop: () => {} }
  }
  const server = createSecureServer({
    ...options.tls,
    ...http1,
    allowHTTP1: true,
    maxHeaderListPairs: MAX_HEADER_FIELDS,
    settings: http2Settings(maxHeaderBytes, MAX_CONCURRENT_STREAMS),
  })
  server.on('session', widenConnection)
  serve(server as unknown as HttpServer, handler)
  server.on('tlsClientError', (error, socket) => handler.tlsFailed(socket, error))
  const stop = guardStreams(server, {
    maxHeaderBytes,
    refused: (stream) => handler.tooManyRequests(stream.session?.socket.remoteAddress),
    headerTooLarge: (stream) => handler.headerTooLarge(stream),
  })
  // One timeout for HTTP/2 sessions: they are idle and they write on the same connection.
  server.setTimeout(Math.max(idleTimeoutMs, writeTimeoutMs))
  return { server, stop }
}

function serve(server: HttpServer, handler: HttpHandler): void {
  // One more than is allowed, so that a request with too many can be told from one with as many.
  server.maxHeadersCount = MAX_HEADER_FIELDS + 1
  const pipelined = new WeakMap<Socket, number>()
  function ended(this: ServerResponse): void {
    const { socket } = this.req
    pipelined.set(socket, (pipelined.get(socket) ?? 1) - 1)
  }
  const handle = (request: IncomingMessage, response: ServerResponse, continueFirst: boolean) => {
    if (request.httpVersionMajor === 1) {
      const { socket } = request
      if (socket.destroyed) return
      const waiting = (pipelined.get(socket) ?? 0) + 1
      pipelined.set(socket, waiting)
      if (waiting > MAX_PIPELINED) {
        handler.tooManyRequests(socket.remoteAddress)
        socket.destroy()
        return
      }
      response.once('close', ended)
    }
    handler.handle(request, response, continueFirst)
  }
  server.on('request', (request, response) => handle(request, response, false))
  server.on('checkContinue', (request, response) => handle(request, response, true))
  server.on('checkExpectation', (request, response) => handle(request, response, false))
  server.on('connect', (_, socket) => handler.noRequest('malformed_http', socket as Socket, 'CONNECT is for proxies'))
  server.on('clientError', (error: ClientError, socket) => {
    const problem = problemOf(error)
    if (problem === undefined || hasAnswered(socket as Socket)) socket.destroy()
    else handler.noRequest(problem, socket as Socket, error.reason ?? error.message)
  })
}

interface ClientError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer
  /** In llhttp's words. */
  readonly reason?: string
}

/** @returns undefined where the client went away */
function problemOf({ code = '', rawPacket }: ClientError): NoRequest | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'header_too_large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'timeout'
  const protocol = rawPacket === undefined ? undefined : protocolOf(rawPacket)
  if (protocol === 'tls' || protocol === 'http2') return protocol
  return code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE' ? 'malformed_http' : undefined
}

/** A second answer would be read as a part of the first. */
function hasAnswered(socket: Socket): boolean {
  // Node's own handler of this event looks there; there is no other way to know.
  const { ['_httpMessage']: answer } = socket as unknown as Record<string, { readonly headersSent: boolean } | null>
  return answer?.headersSent === true
}
