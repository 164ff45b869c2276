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

/** The part of a response that HTTP/1.1 and HTTP/2 share. */
export interface HttpResponse {
  readonly headersSent: boolean
  /** HTTP/1.1: sends `100 Continue`. */
  writeContinue(): void
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown
  end(body?: Uint8Array): unknown
  /** The response is sent, or the client has disconnected. */
  once(event: 'close', listener: () => void): unknown
}

/** Kinds of input that is not a request. `http2` and `tls`: the sender uses the wrong port. */
export type NoRequest = 'http2' | 'tls' | 'header_too_large' | 'timeout' | 'malformed_http'

export interface HttpHandler {
  /** @param continueFirst the sender waits for `100 Continue` before it sends the body */
  handle(request: HttpRequest, response: HttpResponse, continueFirst: boolean): void
  /** Answers input that is not a request on the bare socket, and closes it. @param detail the parser's message */
  noRequest(problem: NoRequest, socket: Socket, detail: string): void
  /** A TLS handshake failed. */
  tlsFailed(socket: Socket, error: NodeJS.ErrnoException): void
  /** A client sent too many requests before the first was answered, or opened too many streams. */
  tooManyRequests(address: string | undefined): void
  /** Answers an HTTP/2 stream whose head is too large. */
  headerTooLarge(stream: ServerHttp2Stream): void
}

export interface HttpServerOptions {
  /** With TLS the server speaks HTTP/2 and HTTP/1.1, without it plain HTTP/1.1. */
  readonly tls: TlsOptions | undefined
  /** Maximum bytes of the head of a request. */
  readonly maxHeaderBytes: number
  /** ms to receive a whole request; 0 is no limit. HTTP/1.1 only: Node has none for HTTP/2 streams. */
  readonly readTimeoutMs: number
  readonly readHeaderTimeoutMs: number
  /** ms without progress while a request or its response is in flight; 0 is no limit. */
  readonly writeTimeoutMs: number
  /** ms a connection may wait for its next request. */
  readonly idleTimeoutMs: number
}

/** How often Node looks for requests that have timed out. */
const TIMEOUT_CHECK_MS = 1_000
/** The default of Go's net/http2. */
export const MAX_CONCURRENT_STREAMS = 250
/** Header fields of a request: Node's limit for HTTP/2. Each costs heap on top of its bytes, and 16 KB can hold thousands. */
export const MAX_HEADER_FIELDS = 128
/**
 * Pipelined requests on an HTTP/1.1 connection, which wait for the response to the first of them. No OTLP sender pipelines,
 * and 64 KB can hold thousands of requests.
 */
const MAX_PIPELINED = 64

/**
 * Flow-control window of an HTTP/2 stream, in bytes. HTTP/2's default of 64 KiB makes a sender stop eight times in a request
 * of 500 KB, and the server read in small pieces: 1,459 us of CPU a request, against 868. The second constant bounds the
 * unread bytes of a whole connection.
 */
export const STREAM_WINDOW_BYTES = 1_048_576
const CONNECTION_WINDOW_BYTES = 2_097_152

export function widenConnection(session: ServerHttp2Session): void {
  session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
}

/**
 * The settings of an HTTP/2 server. nghttp2 silently resets a stream over `maxHeaderListSize`, so that is twice the allowed
 * size: heads in between get a response.
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
    // Node rejects a header timeout longer than the request timeout.
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
  // HTTP/2 sessions have one timeout for both idling and writing.
  server.setTimeout(Math.max(idleTimeoutMs, writeTimeoutMs))
  return { server, stop }
}

function serve(server: HttpServer, handler: HttpHandler): void {
  // One more than allowed, so that a request over the limit can be distinguished from one at the limit.
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
  /** The message of llhttp. */
  readonly reason?: string
}

/** @returns undefined if the client disconnected */
function problemOf({ code = '', rawPacket }: ClientError): NoRequest | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 'header_too_large'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'timeout'
  const protocol = rawPacket === undefined ? undefined : protocolOf(rawPacket)
  if (protocol === 'tls' || protocol === 'http2') return protocol
  return code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE' ? 'malformed_http' : undefined
}

/** A second response would be read as part of the first. */
function hasAnswered(socket: Socket): boolean {
  // Node's own handler of this event checks this field; there is no other way.
  const { ['_httpMessage']: answer } = socket as unknown as Record<string, { readonly headersSent: boolean } | null>
  return answer?.headersSent === true
}
