import type { Socket } from 'node:net'
import type { ServerHttp2Stream } from 'node:http2'
import { GRPC_CODES } from '../../../component/answers.ts'
import type { Authenticator } from '../../../component/authenticator.ts'
import type { Refused, Retry } from '../../../accounting/outcome.ts'
import type { HttpRequest } from '../../../listen/http/body.ts'
import { Cors, isPreflight } from '../../../listen/http/cors.ts'
import { Deadlines } from '../../../listen/deadlines.ts'
import {
  createHttpServer,
  MAX_HEADER_FIELDS,
  type HttpHandler,
  type HttpResponse,
  type NoRequest,
} from '../../../listen/http/http-server.ts'
import { http1Answer, quoted } from '../../../listen/socket/last-words.ts'
import type { Listener } from '../../../listen/socket/listener.ts'
import { headOfHttp } from '../../../listen/request-head.ts'
import { timerDelay } from '../../../telemetry/timer-delay.ts'
import { ServerTls } from '../../../listen/tls/tls.ts'
import type { HttpConfig } from '../config.ts'
import { answerError, answerOutcome } from './http-answer.ts'
import { HttpExchange, type AnswerRules } from './http-exchange.ts'
import { ENCODINGS, formatOf, HttpLogs } from './http-logs.ts'
import { HttpNoRequest } from './http-no-request.ts'
import { refuseTls } from '../refusals/refuse-tls.ts'
import { notLogs, type OtherSignal } from '../refusals/not-logs.ts'
import { headerTooLarge, TOO_MANY_CONNECTIONS, TOO_MANY_REQUESTS } from '../refusals/refusals.ts'
import { createListener, type TransportSettings } from '../transport.ts'

const WHERE = 'protocols.http'

/** OTLP/HTTP: opens the server and dispatches its requests. */
export class HttpTransport implements HttpHandler {
  readonly #settings: TransportSettings<HttpConfig>
  readonly #tls: ServerTls | undefined
  readonly #cors: Cors | undefined
  readonly #rules: AnswerRules
  /** Needed for HTTP/2, which Node does not time; it enforces timeouts of HTTP/1.1 requests itself. */
  readonly #deadlines: Deadlines | undefined
  readonly #logs: HttpLogs
  readonly #noRequest: HttpNoRequest
  readonly #otherSignals: ReadonlyMap<string, OtherSignal>
  #authenticator: Authenticator | undefined
  #listener: Listener | undefined
  #stopServer = () => {}
  #stopping = false

  constructor(settings: TransportSettings<HttpConfig>) {
    this.#settings = settings
    const { config, logger } = settings
    this.#tls = config.tls ? new ServerTls(config.tls, `${WHERE}.tls`, logger) : undefined
    this.#cors = config.cors === undefined ? undefined : new Cors(config.cors)
    this.#rules = {
      cors: this.#cors,
      responseHeaders: config.responseHeaders,
      limitBytes: settings.limitBytes,
      closing: () => this.#stopping || !config.keepConnections,
    }
    this.#deadlines = config.tls && config.read_timeout > 0 ? new Deadlines(config.read_timeout) : undefined
    this.#logs = new HttpLogs(settings, this.#deadlines, (request) => this.#listener?.served(request.socket))
    this.#noRequest = new HttpNoRequest(settings, WHERE)
    this.#otherSignals = new Map<string, OtherSignal>([
      [config.traces_url_path, 'traces'],
      [config.metrics_url_path, 'metrics'],
      ['/v1development/profiles', 'profiles'],
    ])
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
    this.#listener = createListener(server, this.#settings, WHERE, config.tls ? undefined : FULL)
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
    const { config, refusals } = this.#settings
    const exchange = new HttpExchange(request, response, this.#rules, awaitsContinue)
    if (this.#listener?.isRefused(request.socket)) return this.#refuse(exchange)
    if (this.#isBroken(exchange)) return
    if (this.#cors !== undefined && isPreflight(request.method, request.headers)) {
      return exchange.send({ status: 204, headers: this.#cors.preflight(request.headers), body: NOTHING })
    }
    if (!this.#letIn(exchange)) return
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (path === config.logs_url_path) {
      return this.#logs.receive(exchange)
    }
    const signal = this.#otherSignals.get(path)
    if (signal !== undefined) {
      const refused = notLogs(signal)
      refusals.outcome(refused, exchange.sender, announcedBytes(request), signal)
      return exchange.send(answerOutcome(refused, formatOf(request) ?? 'json', ''))
    }
    const message = `there is nothing at ${quoted(path)}: send logs to ${config.logs_url_path}`
    refusals.request('not_found', message, exchange.sender, announcedBytes(request))
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
    const { config, refusals } = this.#settings
    if (request.rawHeaders.length > 2 * MAX_HEADER_FIELDS) {
      const message = headerTooLarge(config.max_header_bytes, MAX_HEADER_FIELDS, `${WHERE}.max_header_bytes`)
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
    refusals.request('malformed_http', problem.message, exchange.sender, announcedBytes(request))
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
    this.#settings.refusals.outcome(outcome, exchange.sender, announcedBytes(exchange.request))
    const answer = answerOutcome(outcome, formatOf(exchange.request) ?? 'json', '')
    const asks = outcome.cause === 'unauthenticated' ? { 'www-authenticate': challenge } : {}
    exchange.send({ ...answer, headers: { ...answer.headers, ...asks } })
  }
}

function announcedBytes(request: HttpRequest): number {
  return Number(request.headers['content-length'] ?? 0)
}

const FULL = http1Answer(
  '503 Service Unavailable',
  GRPC_CODES.UNAVAILABLE,
  TOO_MANY_CONNECTIONS.message,
  `retry-after: ${Math.ceil(TOO_MANY_CONNECTIONS.afterMs / 1_000)}\r\n`,
)
const NOTHING = new Uint8Array(0)
