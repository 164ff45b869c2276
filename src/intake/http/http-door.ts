import type { Socket } from 'node:net'
import type { ServerHttp2Stream } from 'node:http2'
import { GRPC_CODES } from '../../component/answers.ts'
import type { Authenticator } from '../../component/authenticator.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import type { HttpRequest } from '../../listen/http/body.ts'
import { Cors, isPreflight } from '../../listen/http/cors.ts'
import { Deadlines } from '../../listen/deadlines.ts'
import {
  createHttpServer,
  MAX_HEADER_FIELDS,
  type HttpHandler,
  type HttpResponse,
  type NoRequest,
} from '../../listen/http/http-server.ts'
import { http1Answer, quoted } from '../../listen/socket/last-words.ts'
import type { Listener } from '../../listen/socket/listener.ts'
import { headOfHttp } from '../../listen/request-head.ts'
import { timerDelay } from '../../telemetry/timer-delay.ts'
import { ServerTls } from '../../listen/tls/tls.ts'
import { answerError, answerOutcome } from './http-answer.ts'
import { HttpExchange, type AnswerRules } from './http-exchange.ts'
import { announcedBytes, ENCODINGS, formatOf, HttpBodies, type HttpDoorSettings } from './http-bodies.ts'
import { HttpNoRequest } from './http-no-request.ts'
import { refuseTls } from '../refusals/refuse-tls.ts'
import { headerTooLarge, TOO_MANY_CONNECTIONS, TOO_MANY_REQUESTS } from '../refusals/refusals.ts'
import { createListener } from '../transport.ts'

/** The paths of a receiver. */
export interface HttpPaths {
  /** Answers a request of an authenticated sender. Returns false if there is nothing at the path. */
  handle(exchange: HttpExchange, path: string, bodies: HttpBodies): boolean
  /** Advice for a path with nothing: `send logs to /v1/logs`. */
  readonly advice: string
}

/** The HTTP server of a receiver: opens it, checks and authenticates requests by their heads, and passes them on. */
export class HttpDoor implements HttpHandler {
  readonly #settings: HttpDoorSettings
  readonly #tls: ServerTls | undefined
  readonly #cors: Cors | undefined
  readonly #rules: AnswerRules
  /** Needed for HTTP/2, which Node does not time; it enforces timeouts of HTTP/1.1 requests itself. */
  readonly #deadlines: Deadlines | undefined
  readonly #paths: HttpPaths
  readonly #bodies: HttpBodies
  readonly #noRequest: HttpNoRequest
  #authenticator: Authenticator | undefined
  #listener: Listener | undefined
  #stopServer = () => {}
  #stopping = false

  constructor(settings: HttpDoorSettings, paths: HttpPaths) {
    this.#paths = paths
    this.#settings = settings
    const { config, logger, where } = settings
    this.#tls = config.tls ? new ServerTls(config.tls, `${where}tls`, logger) : undefined
    this.#cors = config.cors === undefined ? undefined : new Cors(config.cors)
    this.#rules = {
      cors: this.#cors,
      responseHeaders: config.responseHeaders,
      limitBytes: settings.limitBytes,
      closing: () => this.#stopping || !config.keepConnections,
    }
    this.#deadlines = config.tls && config.read_timeout > 0 ? new Deadlines(config.read_timeout) : undefined
    this.#bodies = new HttpBodies(settings, this.#deadlines, (request) => this.#listener?.served(request.socket))
    this.#noRequest = new HttpNoRequest(settings)
  }

  get listener(): Listener | undefined {
    return this.#listener
  }

  /** @throws ComponentError */
  async start(authenticator: Authenticator | undefined): Promise<void> {
    this.#authenticator = authenticator
    const { config, logger } = this.#settings
    const missing = config.compression_algorithms.filter((name) => !ENCODINGS.has(name))
    if (missing.length > 0) {
      logger.warn(`compression_algorithms: ${missing.join(', ')} not supported; such bodies are refused with 415`)
    }
    const options = {
      tls: await this.#tls?.load(),
      maxHeaderBytes: config.max_header_bytes,
      readTimeoutMs: timerDelay(config.read_timeout),
      readHeaderTimeoutMs: timerDelay(config.read_header_timeout),
      writeTimeoutMs: timerDelay(config.write_timeout),
      idleTimeoutMs: timerDelay(config.idleTimeoutMs),
    }
    const { server, stop } = createHttpServer(options, this)
    this.#stopServer = stop
    this.#listener = createListener(server, this.#settings, config.tls ? undefined : FULL)
    await this.#listener.open()
    if ('setSecureContext' in server) this.#tls?.watch(server as Parameters<ServerTls['watch']>[0])
    this.#deadlines?.start()
  }

  /** Closes idle connections at once, the others after the response to their current request, and all at the abort. */
  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopping = true
    await this.#listener?.close(signal)
    this.#stopServer()
    await this.#tls?.close()
    this.#deadlines?.close()
  }

  handle(request: HttpRequest, response: HttpResponse, awaitsContinue: boolean): void {
    const exchange = new HttpExchange(request, response, this.#rules, awaitsContinue)
    if (this.#listener?.isRefused(request.socket)) return this.#refuse(exchange)
    if (this.#isBroken(exchange)) return
    if (this.#cors !== undefined && isPreflight(request.method, request.headers)) {
      return exchange.send({ status: 204, headers: this.#cors.preflight(request.headers), body: NOTHING })
    }
    if (!this.#letIn(exchange)) return
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (this.#paths.handle(exchange, path, this.#bodies)) return
    const message = `there is nothing at ${quoted(path)}: ${this.#paths.advice}`
    this.#settings.refusals.request('not_found', message, exchange.sender, announcedBytes(request) ?? 0)
    exchange.send(answerError(404, GRPC_CODES.UNIMPLEMENTED, message, {}))
  }

  noRequest(problem: NoRequest, socket: Socket, detail: string): void {
    this.#noRequest.answer(problem, socket, detail)
  }

  tlsFailed(socket: Socket, error: NodeJS.ErrnoException): void {
    refuseTls(this.#settings.refusals, socket, error)
  }

  tooManyRequests(address: string | undefined): void {
    this.#settings.refusals.request('too_many_requests', TOO_MANY_REQUESTS, address, 0)
  }

  headerTooLarge(stream: ServerHttp2Stream): void {
    this.#noRequest.headerTooLarge(stream)
  }

  /** Answers a connection that is over the limit. It was counted when it opened. */
  #refuse(exchange: HttpExchange): void {
    exchange.isLast = true
    exchange.send(answerOutcome(TOO_MANY_CONNECTIONS, formatOf(exchange.request) ?? 'json', ''))
  }

  /** Answers a head that breaks a rule which Node's parser does not check. */
  #isBroken(exchange: HttpExchange): boolean {
    const { request } = exchange
    const { config, refusals, where } = this.#settings
    if (request.rawHeaders.length > 2 * MAX_HEADER_FIELDS) {
      const message = headerTooLarge(config.max_header_bytes, MAX_HEADER_FIELDS, `${where}max_header_bytes`)
      refusals.request('header_too_large', message, exchange.sender, 0)
      exchange.isLast = true
      exchange.send(answerError(431, GRPC_CODES.RESOURCE_EXHAUSTED, message, {}))
      return true
    }
    const expects = request.headers.expect
    const problem =
      request.httpVersion === '1.1' && request.headers.host === undefined
        ? { status: 400, message: 'the request has no Host header: send it, as RFC 9112 requires' }
        : expects !== undefined && expects.toLowerCase() !== '100-continue'
          ? { status: 417, message: `the expectation ${quoted(expects)} is not supported: send 100-continue or none` }
          : undefined
    if (problem === undefined) return false
    refusals.request('malformed_http', problem.message, exchange.sender, announcedBytes(request) ?? 0)
    exchange.isLast = true
    exchange.send(answerError(problem.status, GRPC_CODES.INVALID_ARGUMENT, problem.message, {}))
    return true
  }

  /** Authenticates the sender by the head of the request. A refused sender is answered here. */
  #letIn(exchange: HttpExchange): boolean {
    if (this.#authenticator === undefined) return true
    const decided = this.#authenticator.authenticate(headOfHttp(exchange.request))
    if (decided.kind !== 'authenticated') {
      this.#refuseSender(exchange, decided, this.#authenticator.challenge)
      return false
    }
    exchange.identity = decided.identity
    return true
  }

  #refuseSender(exchange: HttpExchange, outcome: Refused | Retry, challenge: string): void {
    this.#settings.refusals.outcome(outcome, exchange.sender, announcedBytes(exchange.request) ?? 0)
    const answer = answerOutcome(outcome, formatOf(exchange.request) ?? 'json', '')
    const asks = outcome.cause === 'unauthenticated' ? { 'www-authenticate': challenge } : {}
    exchange.send({ ...answer, headers: { ...answer.headers, ...asks } })
  }
}

const FULL = http1Answer(
  '503 Service Unavailable',
  GRPC_CODES.UNAVAILABLE,
  TOO_MANY_CONNECTIONS.message,
  `retry-after: ${Math.ceil(TOO_MANY_CONNECTIONS.afterMs / 1_000)}\r\n`,
)
const NOTHING = new Uint8Array(0)
