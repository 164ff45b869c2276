import type { Outcome, Refused, Retry } from '../../accounting/outcome.ts'
import {
  announcedBytes,
  type HttpBodies,
  type HttpDoorSettings,
  mediaTypeOf,
  type ReceivedBody,
} from '../../intake/http/http-bodies.ts'
import type { HttpPaths } from '../../intake/http/http-door.ts'
import type { HttpExchange } from '../../intake/http/http-exchange.ts'
import { MappedJson } from '../../intake/http/mapped-json.ts'
import { metadataOf } from '../../intake/http/metadata.ts'
import { BUDGET_FULL } from '../../intake/refusals/refusals.ts'
import { quoted } from '../../listen/socket/last-words.ts'
import { MalformedJson } from '../../otlp/json-reader.ts'
import type { ProtobufWriter } from '../../wire/protobuf-writer.ts'
import * as answers from './answer.ts'
import type { HttpJsonConfig } from './config.ts'
import { InvalidLog, NotPermitted } from './invalid-log.ts'
import type { Begun, Keys } from './keys/keys.ts'
import { mapLogs } from './map-logs.ts'
import { openApi } from './open-api.ts'

const OPEN_API_PATH = '/openapi.json'

/** Maximum bytes of the mapped request for each byte of JSON: a line with names of one letter, which alternate, has 68 bytes, and 86 mapped. */
const MAPPED_FACTOR = 1.3
/** Visible ASCII, as the value of an HTTP header field may be. */
const KEY = /^[\x21-\x7e]{1,255}$/

/** `POST /logs`: maps the logs, passes them on and responds; `GET /openapi.json`. */
export class ReceiveLogs implements HttpPaths {
  readonly #settings: HttpDoorSettings
  readonly #config: HttpJsonConfig
  readonly #openApi: object
  readonly #mappedJson = new MappedJson()
  /** Set before the server opens. */
  keys: Keys | undefined

  constructor(settings: HttpDoorSettings, config: HttpJsonConfig, version: string) {
    this.#settings = settings
    this.#config = config
    this.#openApi = openApi(config, version)
  }

  get advice(): string {
    return `send logs to ${this.#config.path}`
  }

  handle(exchange: HttpExchange, path: string, bodies: HttpBodies): boolean {
    if (path === this.#config.path) {
      this.#receive(exchange, bodies)
      return true
    }
    if (path !== OPEN_API_PATH) return false
    if (bodies.refusesMethod(exchange, ['GET', 'HEAD'], `a method of ${OPEN_API_PATH}`)) return true
    exchange.send(answers.answerJson(200, this.#openApi))
    return true
  }

  #receive(exchange: HttpExchange, bodies: HttpBodies): void {
    const { request } = exchange
    if (bodies.refusesMethod(exchange, ['POST'], `a method of ${this.#config.path}`)) return
    const lines = isLines(mediaTypeOf(request))
    const announced = announcedBytes(request) ?? 0
    if (lines === undefined)
      return this.#refuse(exchange, unsupportedMediaType(request.headers['content-type']), announced)
    const key = headerOf(request.headers['idempotency-key'])
    if (key !== undefined && !KEY.test(key)) return this.#refuse(exchange, answers.BAD_KEY, announced)
    bodies.read(exchange, 'json', (body) => this.#map(exchange, lines, key, body))
  }

  #map(exchange: HttpExchange, lines: boolean, key: string | undefined, body: ReceivedBody): void {
    const { length } = body.bytes
    const hasRoom = this.#mappedJson.run(
      body,
      Math.ceil(length * MAPPED_FACTOR),
      (writer) => this.#mapBody(exchange, lines, body.bytes, writer),
      (bytes) => this.#consume(exchange, key, bytes),
    )
    if (!hasRoom) this.#refuse(exchange, BUDGET_FULL, length)
  }

  /** @returns Returns undefined if the body was refused */
  #mapBody(exchange: HttpExchange, lines: boolean, body: Uint8Array, writer: ProtobufWriter): true | undefined {
    try {
      mapLogs(body, lines, exchange.identity, writer)
      return true
    } catch (error) {
      this.#refuseBody(exchange, error, body.length)
      return undefined
    }
  }

  #consume(exchange: HttpExchange, key: string | undefined, bytes: Uint8Array): void {
    const { keys } = this
    if (key === undefined || keys === undefined) return this.#forward(exchange, undefined, bytes)
    // The mapped request, so that neither blanks nor the order of fields make the same logs another request.
    const verdict = keys.begin(exchange.identity, key, bytes)
    switch (verdict.kind) {
      case 'new':
        return this.#forward(exchange, verdict, bytes)
      case 'repeated':
        return exchange.send(answers.answerQueued(this.#config.status, verdict.rejected, '', true))
      case 'reused':
        return this.#refuse(exchange, answers.KEY_REUSED, bytes.length)
      case 'in_flight':
        return this.#refuse(exchange, answers.KEY_IN_FLIGHT, bytes.length)
      case 'unavailable':
        return this.#refuse(exchange, answers.KEYS_UNAVAILABLE, bytes.length)
    }
  }

  #forward(exchange: HttpExchange, begun: Begun | undefined, bytes: Uint8Array): void {
    const { forward, refusals } = this.#settings
    const request = {
      bytes,
      receivedAtMs: Date.now(),
      metadata: this.#config.include_metadata ? metadataOf(exchange.request) : undefined,
      identity: exchange.identity,
      namesDestination: true,
      bare: !this.#config.envelope,
    }
    forward.consume(request, (outcome) => {
      const refused = refusalOf(outcome)
      if (refused !== undefined) {
        if (begun !== undefined) this.keys?.forget(begun)
        refusals.byPipeline(refused, exchange.sender)
        return exchange.send(answers.answerRefused(refused))
      }
      this.#accepted(exchange, begun, outcome)
    })
  }

  #accepted(exchange: HttpExchange, begun: Begun | undefined, outcome: Outcome): void {
    const rejected = outcome.kind === 'accepted' ? outcome.rejected : 0
    const answer = answers.answerQueued(this.#config.status, rejected, rejected > 0 ? outcome.message : '', false)
    if (begun === undefined || this.keys === undefined) return exchange.send(answer)
    this.keys.remember(begun, rejected, (failed) => {
      if (failed) this.#refuse(exchange, answers.KEYS_UNAVAILABLE, 0)
      else exchange.send(answer)
    })
  }

  #refuseBody(exchange: HttpExchange, error: unknown, bytes: number): void {
    if (error instanceof InvalidLog) {
      const outcome: Refused = { kind: 'refused', cause: 'invalid', message: error.message }
      this.#settings.refusals.outcome(outcome, exchange.sender, bytes)
      return exchange.send(answers.answerInvalid(error))
    }
    if (error instanceof NotPermitted)
      return this.#refuse(exchange, { kind: 'refused', cause: 'permission_denied', message: error.message }, bytes)
    if (error instanceof MalformedJson)
      return this.#refuse(exchange, { kind: 'refused', cause: 'malformed', message: error.message }, bytes)
    throw error
  }

  #refuse(exchange: HttpExchange, outcome: Refused | Retry, bytes: number): void {
    this.#settings.refusals.outcome(outcome, exchange.sender, bytes)
    exchange.send(answers.answerRefused(outcome))
  }
}

/** Why nothing of a request was accepted; undefined if something was. */
function refusalOf(outcome: Outcome): Refused | Retry | undefined {
  if (outcome.kind !== 'accepted') return outcome
  if (outcome.rejected === 0 || outcome.rejected < outcome.records) return undefined
  const { message } = outcome
  if (outcome.passing === true) return { kind: 'retry', cause: 'lane_full', afterMs: 1_000, message }
  return { kind: 'refused', cause: 'invalid', message }
}

/** Whether the body is NDJSON by its media type; undefined if it is neither that nor JSON. */
function isLines(mediaType: string): boolean | undefined {
  switch (mediaType) {
    case 'application/json':
      return false
    case 'application/x-ndjson':
    case 'application/jsonl':
      return true
    default:
      return undefined
  }
}

function unsupportedMediaType(found: string | undefined): Refused {
  const message = `the content type ${quoted(found ?? '')} is not supported: send application/json or application/x-ndjson`
  return { kind: 'refused', cause: 'unsupported_media_type', message }
}

function headerOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
