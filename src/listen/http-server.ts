import { createServer, type OutgoingHttpHeaders } from 'node:http'
import { createSecureServer, type ServerHttp2Session } from 'node:http2'
import type { Server } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { HttpRequest } from './body.ts'

/** The part of an answer that HTTP/1.1 and HTTP/2 share. */
export interface HttpResponse {
  readonly headersSent: boolean
  /** HTTP/1.1: sends `100 Continue`. */
  writeContinue(): void
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown
  end(body?: Uint8Array): unknown
}

export interface HttpHandler {
  /** @param continueFirst the sender waits for `100 Continue` before it sends the body */
  handle(request: HttpRequest, response: HttpResponse, continueFirst: boolean): void
}

export interface HttpServerOptions {
  /** HTTP/1.1 in clear without, HTTP/2 and HTTP/1.1 with it. */
  readonly tls: TlsOptions | undefined
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

/** An HTTP server that is not listening yet. */
export function createHttpServer(options: HttpServerOptions, handler: HttpHandler): Server {
  const { readTimeoutMs, readHeaderTimeoutMs, idleTimeoutMs, writeTimeoutMs } = options
  const http1 = {
    requestTimeout: readTimeoutMs,
    // Node refuses a time for the head that is longer than that for the whole.
    headersTimeout: readTimeoutMs === 0 ? readHeaderTimeoutMs : Math.min(readHeaderTimeoutMs, readTimeoutMs),
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  }
  if (options.tls === undefined) {
    const server = createServer(http1)
    server.on('request', (request, response) => handler.handle(request, response, false))
    server.on('checkContinue', (request, response) => handler.handle(request, response, true))
    server.setTimeout(writeTimeoutMs)
    return server
  }
  const server = createSecureServer({
    ...options.tls,
    ...http1,
    allowHTTP1: true,
    settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS, initialWindowSize: STREAM_WINDOW_BYTES },
  })
  server.on('session', widenConnection)
  server.on('request', (request, response) => handler.handle(request, response as unknown as HttpResponse, false))
  server.on('checkContinue', (request, response) => handler.handle(request, response as unknown as HttpResponse, true))
  // One timeout for HTTP/2 sessions: they are idle and they write on the same connection.
  server.setTimeout(Math.max(idleTimeoutMs, writeTimeoutMs))
  return server
}
