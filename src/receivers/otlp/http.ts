import { GRPC_CODES } from '../../component/answers.ts'
import type { Authenticator } from '../../component/authenticator.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import { drain, type HttpRequest } from '../../listen/body.ts'
import { Cors, isPreflight } from '../../listen/cors.ts'
import { Deadlines } from '../../listen/deadlines.ts'
import { createHttpServer, type HttpHandler, type HttpResponse } from '../../listen/http-server.ts'
import type { Listener } from '../../listen/listener.ts'
import { headOfHttp } from '../../listen/request-head.ts'
import { timerMs } from '../../listen/timer.ts'
import { ServerTls } from '../../listen/tls.ts'
import type { HttpConfig } from './config.ts'
import { answerError, answerOutcome } from './http-answer.ts'
import { HttpExchange, type AnswerRules } from './http-exchange.ts'
import { ENCODINGS, formatOf, HttpLogs } from './http-logs.ts'
import { createListener, type TransportSettings } from './transport.ts'

const WHERE = 'protocols.http'

/** OTLP/HTTP: opens the server and tells which request is what. */
export class HttpTransport implements HttpHandler {
  readonly #settings: TransportSettings<HttpConfig>
  readonly #tls: ServerTls | undefined
  readonly #cors: Cors | undefined
  readonly #rules: AnswerRules
  /** Node times HTTP/1.1 requests itself, and HTTP/2 requests not at all. */
  readonly #deadlines: Deadlines | undefined
  readonly #logs: HttpLogs
  readonly #otherSignals: ReadonlyMap<string, string>
  #authenticator: Authenticator | undefined
  #listener: Listener | undefined
  #stopping = false

  constructor(settings: TransportSettings<HttpConfig>) {
    this.#settings = settings
    const { config, logger } = settings
    this.#tls = config.tls ? new ServerTls(config.tls, `${WHERE}.tls`, logger) : undefined
    this.#cors = config.cors === undefined ? undefined : new Cors(config.cors)
    this.#rules = {
      cors: this.#cors,
      responseHeaders: config.responseHeaders,
      closing: () => this.#stopping || !config.keepConnections,
    }
    this.#deadlines = config.tls && config.read_timeout > 0 ? new Deadlines(config.read_timeout) : undefined
    this.#logs = new HttpLogs(settings, this.#deadlines, `${WHERE}.max_request_body_size`)
    this.#otherSignals = new Map([
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
      logger.warn(
        `compression_algorithms: ${missing.join(', ')} do not exist here; bodies in them are refused with 415`,
      )
    }
    const options = {
      tls: await this.#tls?.load(),
      readTimeoutMs: timerMs(config.read_timeout),
      readHeaderTimeoutMs: timerMs(config.read_header_timeout),
      writeTimeoutMs: timerMs(config.write_timeout),
      idleTimeoutMs: timerMs(config.idleTimeoutMs),
    }
    const server = createHttpServer(options, this)
    this.#listener = createListener(server, this.#settings, WHERE)
    await this.#listener.open()
    if ('setSecureContext' in server) this.#tls?.watch(server as Parameters<ServerTls['watch']>[0])
    this.#deadlines?.start()
  }

  /** Idle connections are closed, the others with the answer to the request they are at, all of them at the abort. */
  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopping = true
    await this.#listener?.close(signal)
    await this.#tls?.close()
    this.#deadlines?.close()
  }

  handle(request: HttpRequest, response: HttpResponse, awaitsContinue: boolean): void {
    const { config, notLogs, forward } = this.#settings
    const exchange = new HttpExchange(request, response, this.#rules, awaitsContinue)
    if (this.#cors !== undefined && isPreflight(request.method, request.headers)) {
      return exchange.send({ status: 204, headers: this.#cors.preflight(request.headers), body: NOTHING })
    }
    if (!this.#letIn(exchange)) return
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (path === config.logs_url_path) return this.#logs.receive(exchange)
    const signal = this.#otherSignals.get(path)
    if (signal !== undefined) {
      const refused = notLogs.refuse(signal)
      forward.refused(refused)
      return exchange.send(answerOutcome(refused, formatOf(request) ?? 'json', ''))
    }
    const message = `there is nothing at ${JSON.stringify(path)}: send logs to ${config.logs_url_path}`
    exchange.send(answerError(404, GRPC_CODES.UNIMPLEMENTED, message, {}))
  }

  /** Asks who sends, by the head of the request; who may not is answered. */
  #letIn(exchange: HttpExchange): boolean {
    if (this.#authenticator === undefined) return true
    const decided = this.#authenticator.authenticate(headOfHttp(exchange.request))
    if (decided.kind !== 'authenticated') {
      this.#turnAway(exchange, decided, this.#authenticator.challenge)
      return false
    }
    exchange.identity = decided.identity
    return true
  }

  #turnAway(exchange: HttpExchange, outcome: Refused | Retry, challenge: string): void {
    const { forward, limitBytes } = this.#settings
    forward.refused(outcome)
    drain(exchange.request, limitBytes)
    const answer = answerOutcome(outcome, formatOf(exchange.request) ?? 'json', '')
    const asks = outcome.cause === 'unauthenticated' ? { 'www-authenticate': challenge } : {}
    exchange.send({ ...answer, headers: { ...answer.headers, ...asks } })
  }
}

const NOTHING = new Uint8Array(0)
