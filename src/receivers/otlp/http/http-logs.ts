import type { Outcome, Refused } from '../../../accounting/outcome.ts'
import { answerOutcome } from '../../../intake/http/http-answer.ts'
import {
  announcedBytes,
  formatOf,
  type HttpBodies,
  type HttpDoorSettings,
  type ReceivedBody,
} from '../../../intake/http/http-bodies.ts'
import type { HttpPaths } from '../../../intake/http/http-door.ts'
import type { HttpExchange } from '../../../intake/http/http-exchange.ts'
import { BUDGET_FULL } from '../../../intake/refusals/refusals.ts'
import { MappedJson } from '../../../intake/http/mapped-json.ts'
import { metadataOf } from '../../../intake/http/metadata.ts'
import type { HttpRequest } from '../../../listen/http/body.ts'
import { quoted } from '../../../listen/socket/last-words.ts'
import type { Format } from '../../../otlp/format.ts'
import { MalformedJson } from '../../../otlp/json-reader.ts'
import { jsonToProtobuf } from '../../../otlp/json-to-protobuf.ts'
import type { ProtobufWriter } from '../../../wire/protobuf-writer.ts'
import type { HttpConfig } from '../config.ts'
import { notLogs, type OtherSignal } from '../not-logs.ts'

/** OTLP/HTTP: maps JSON, passes log requests on, and responds. */
export class HttpLogs implements HttpPaths {
  readonly #settings: HttpDoorSettings
  readonly #logsPath: string
  readonly #otherSignals: ReadonlyMap<string, OtherSignal>
  readonly #mappedJson = new MappedJson()

  constructor(settings: HttpDoorSettings, config: HttpConfig) {
    this.#settings = settings
    this.#logsPath = config.logs_url_path
    this.#otherSignals = new Map<string, OtherSignal>([
      [config.traces_url_path, 'traces'],
      [config.metrics_url_path, 'metrics'],
      ['/v1development/profiles', 'profiles'],
    ])
  }

  get advice(): string {
    return `send logs to ${this.#logsPath}`
  }

  handle(exchange: HttpExchange, path: string, bodies: HttpBodies): boolean {
    if (path === this.#logsPath) {
      this.#receive(exchange, bodies)
      return true
    }
    const signal = this.#otherSignals.get(path)
    if (signal === undefined) return false
    const { request } = exchange
    const refused = notLogs(signal)
    this.#settings.refusals.outcome(refused, exchange.sender, announcedBytes(request) ?? 0, signal)
    this.#answer(exchange, formatOf(request) ?? 'json', refused, '')
    return true
  }

  #receive(exchange: HttpExchange, bodies: HttpBodies): void {
    const { request } = exchange
    if (bodies.refusesMethod(exchange, ['POST'], 'an OTLP/HTTP method')) return
    const format = formatOf(request)
    if (format === undefined)
      return bodies.refuse(exchange, 'json', unsupportedMediaType(request), announcedBytes(request) ?? 0)
    bodies.read(exchange, format, (body) => this.#consume(exchange, format, body))
  }

  #consume(exchange: HttpExchange, format: Format, body: ReceivedBody): void {
    const { bytes: received, holding, learn } = body
    if (format === 'protobuf') {
      learn(received.length)
      this.#forward(exchange, format, received, '')
      return holding.release()
    }
    const hasRoom = this.#mappedJson.run(
      body,
      received.length,
      (writer) => this.#map(exchange, received, writer),
      (bytes, warning) => this.#forward(exchange, format, bytes, warning),
    )
    if (hasRoom) return
    this.#settings.refusals.outcome(BUDGET_FULL, exchange.sender, received.length)
    this.#answer(exchange, format, BUDGET_FULL, '')
  }

  /** Maps JSON to protobuf, which is never longer. Returns the warning for the sender; undefined if it was refused. */
  #map(exchange: HttpExchange, json: Uint8Array, writer: ProtobufWriter): string | undefined {
    try {
      return jsonToProtobuf(json, writer)
    } catch (error) {
      if (!(error instanceof MalformedJson)) throw error
      const outcome: Refused = { kind: 'refused', cause: 'malformed', message: error.message }
      this.#settings.refusals.outcome(outcome, exchange.sender, json.length)
      this.#answer(exchange, 'json', outcome, error.path)
      return undefined
    }
  }

  /** @param warning for the sender of an accepted request; empty for none */
  #forward(exchange: HttpExchange, format: Format, bytes: Uint8Array, warning: string): void {
    const { config, forward, logger, refusals } = this.#settings
    const metadata = config.include_metadata ? metadataOf(exchange.request) : undefined
    forward.consume({ bytes, receivedAtMs: Date.now(), metadata, identity: exchange.identity }, (outcome) => {
      if (outcome.kind !== 'accepted') refusals.byPipeline(outcome, exchange.sender)
      if (warning === '' || outcome.kind !== 'accepted') return this.#answer(exchange, format, outcome, '')
      forward.notUnderstood()
      logger.warn('a request holds JSON that is not OTLP logs; the response says so', { warning })
      const message = outcome.message === '' ? warning : `${outcome.message}; ${warning}`
      this.#answer(exchange, format, { ...outcome, message }, '')
    })
  }

  #answer(exchange: HttpExchange, format: Format, outcome: Outcome, field: string): void {
    exchange.send(answerOutcome(outcome, format, field))
  }
}

function unsupportedMediaType(request: HttpRequest): Refused {
  const found = quoted(request.headers['content-type'] ?? '')
  const message = `the content type ${found} is not an OTLP type: send application/x-protobuf or application/json`
  return { kind: 'refused', cause: 'unsupported_media_type', message }
}
