import { GRPC_CODES } from '../../component/answers.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import { cutOff, readBody, type BodyFailure, type HttpRequest } from '../../listen/http/body.ts'
import type { Deadlines } from '../../listen/deadlines.ts'
import { decompress } from '../../listen/compression/decompress.ts'
import type { DecompressFailure, Encoding } from '../../listen/compression/encodings.ts'
import { hasRoomFor, Holding } from '../../listen/memory/holding.ts'
import type { Format } from '../../otlp/format.ts'
import type { HttpConfig } from '../config.ts'
import { answerError, answerOutcome } from './http-answer.ts'
import type { HttpExchange } from './http-exchange.ts'
import { BUDGET_FULL, corrupt, tooLarge, unsupportedEncoding } from '../refusals/refusals.ts'
import type { TransportSettings } from '../transport.ts'

export interface HttpDoorSettings extends TransportSettings<HttpConfig> {
  /** The protocol of the port, for senders of another one: `OTLP/HTTP`. */
  readonly speaks: string
}

/** A body that has arrived and is decompressed. */
export interface ReceivedBody {
  /** Valid until `holding` is released. */
  readonly bytes: Uint8Array
  /** The owner of the body releases it. */
  readonly holding: Holding
  /** Notes the length in protobuf, for early refusals. */
  readonly learn: (protobufBytes: number) => void
}

/** Encodings by the names that senders use; `zlib` is an old name of deflate. */
export const ENCODINGS: ReadonlyMap<string, Encoding | undefined> = new Map([
  ['', undefined],
  ['gzip', 'gzip'],
  ['zstd', 'zstd'],
  ['deflate', 'deflate'],
  ['zlib', 'deflate'],
  ['snappy', 'snappy'],
  ['x-snappy-framed', 'snappy'],
])

/** Reads bodies: checks the head, reads, decompresses, and answers what it refuses. */
export class HttpBodies {
  readonly #settings: HttpDoorSettings
  readonly #deadlines: Deadlines | undefined
  readonly #served: (request: HttpRequest) => void
  readonly #encodings: ReadonlyMap<string, Encoding | undefined>

  /** @param served called with each request whose body has arrived */
  constructor(settings: HttpDoorSettings, deadlines: Deadlines | undefined, served: (request: HttpRequest) => void) {
    this.#settings = settings
    this.#deadlines = deadlines
    this.#served = served
    const wanted: readonly string[] = settings.config.compression_algorithms
    // As in the collector, `deflate` allows both of its names.
    const allowed = new Set(wanted.includes('deflate') ? [...wanted, 'zlib'] : wanted)
    this.#encodings = new Map([...ENCODINGS].filter(([name]) => allowed.has(name)))
  }

  /** Answers a method other than `allowed`. Returns false if it is allowed. */
  refusesMethod(exchange: HttpExchange, allowed: readonly string[], protocol: string): boolean {
    const { request } = exchange
    if (allowed.includes(request.method ?? '')) return false
    const message = `${request.method} is not ${protocol}: send ${allowed.join(' or ')}`
    this.#settings.refusals.request('method_not_allowed', message, exchange.sender, announcedBytes(request) ?? 0)
    exchange.send(answerError(405, GRPC_CODES.UNIMPLEMENTED, message, { allow: allowed.join(', ') }))
    return true
  }

  /**
   * Reads the body of a request. `done` is called if it arrived whole; in any other case the sender is answered here.
   * @param format of the body, and of the answers
   */
  read(exchange: HttpExchange, format: Format, done: (body: ReceivedBody) => void): void {
    const { request } = exchange
    const { limitBytes } = this.#settings
    const announced = announcedBytes(request)
    const encodingName = contentEncoding(request)
    if (!this.#encodings.has(encodingName)) return this.#refuseEncoding(exchange, format, encodingName, announced ?? 0)
    if (announced !== undefined && announced > limitBytes)
      return this.refuse(exchange, format, this.#tooLarge(), announced)
    // An empty body is always accepted.
    const full = announced === 0 ? undefined : this.#fullFor(kindOf(format, encodingName), announced ?? 0)
    if (full !== undefined) return this.refuse(exchange, format, full, announced ?? 0)
    exchange.continueBody()
    this.#read(exchange, format, encodingName, announced, done)
  }

  /** Answers a refused request, and counts it. @param bytes announced, or received so far */
  refuse(exchange: HttpExchange, format: Format, outcome: Retry | Refused, bytes: number): void {
    this.#settings.refusals.outcome(outcome, exchange.sender, bytes)
    exchange.send(answerOutcome(outcome, format, ''))
  }

  /** Returns why a request would be refused, judging by its head; undefined if it may be accepted. */
  #fullFor(kind: string, bytes: number): Retry | undefined {
    const { budget, forward } = this.#settings
    return hasRoomFor(budget, bytes) ? forward.earlyRefusal(kind, bytes) : BUDGET_FULL
  }

  #read(
    exchange: HttpExchange,
    format: Format,
    encodingName: string,
    announced: number | undefined,
    done: (body: ReceivedBody) => void,
  ): void {
    const { request } = exchange
    const { limitBytes, budget } = this.#settings
    const holding = new Holding(budget)
    const receiving = { expire: () => this.#expire(exchange) }
    this.#deadlines?.add(receiving)
    const failed = (failure: BodyFailure | DecompressFailure, bytes: number) => {
      holding.release()
      if (failure !== 'aborted') this.refuse(exchange, format, this.#outcomeOf(failure, encodingName), bytes)
    }
    readBody(request, announced, limitBytes, holding, (body, failure) => {
      this.#deadlines?.delete(receiving)
      if (body === undefined) return failed(failure ?? 'aborted', announced ?? 0)
      this.#served(request)
      const kind = kindOf(format, encodingName)
      // The length is known only now.
      const full = announced === undefined ? this.#settings.forward.earlyRefusal(kind, body.length) : undefined
      if (full !== undefined) {
        holding.release()
        return this.refuse(exchange, format, full, body.length)
      }
      const encoding = this.#encodings.get(encodingName)
      const learn = (protobuf: number) =>
        this.#settings.forward.learnSize(kind, body.length, { protobuf, held: holding.peakBytes })
      if (encoding === undefined || body.length === 0) return done({ bytes: body, holding, learn })
      // A sender that disconnects meanwhile will send the same records again, so they are not passed on.
      exchange.onClose(() => holding.release())
      decompress(encoding, body, limitBytes, holding, (bytes, failure) => {
        if (bytes === undefined) failed(failure ?? 'corrupt', body.length)
        else done({ bytes, holding, learn })
      })
    })
  }

  /** Cuts off an HTTP/2 body that takes too long: a response would wait for the rest of it. */
  #expire({ request, sender }: HttpExchange): void {
    const advice = 'its request did not arrive within read_timeout: check its network, or send smaller batches'
    this.#settings.refusals.request('timeout', advice, sender, announcedBytes(request) ?? 0)
    cutOff(request)
  }

  #refuseEncoding(exchange: HttpExchange, format: Format, encodingName: string, bytes: number): void {
    const outcome = unsupportedEncoding(encodingName, this.#supported())
    this.#settings.refusals.outcome(outcome, exchange.sender, bytes)
    const answer = answerOutcome(outcome, format, '')
    // RFC 9110, 12.5.3: a 415 lists the supported codings this way.
    exchange.send({ ...answer, headers: { ...answer.headers, 'accept-encoding': this.#supported().join(', ') } })
  }

  #supported(): string[] {
    return [...this.#encodings.keys()].map((name) => (name === '' ? 'identity' : name))
  }

  #outcomeOf(failure: Exclude<BodyFailure | DecompressFailure, 'aborted'>, encodingName: string): Retry | Refused {
    switch (failure) {
      case 'too_large':
        return this.#tooLarge()
      case 'budget_full':
        return BUDGET_FULL
      case 'corrupt':
        return corrupt(encodingName)
    }
  }

  #tooLarge(): Refused {
    const { limitBytes, where } = this.#settings
    return tooLarge(limitBytes, `${where}max_request_body_size`)
  }
}

/** The media type of a body, in lower case and without parameters; empty if there is none. */
export function mediaTypeOf({ headers }: HttpRequest): string {
  const [mediaType = ''] = (headers['content-type'] ?? '').split(';', 1)
  return mediaType.trim().toLowerCase()
}

export function formatOf(request: HttpRequest): Format | undefined {
  switch (mediaTypeOf(request)) {
    case 'application/x-protobuf':
      return 'protobuf'
    case 'application/json':
      return 'json'
    default:
      return undefined
  }
}

/** The kind of a request, for size guesses: requests of one kind grow alike when decompressed and mapped. */
function kindOf(format: Format, encodingName: string): string {
  return encodingName === '' ? format : `${format} ${encodingName}`
}

/** The encoding of a body, in lower case; a list is supported only if the others are `identity`. */
function contentEncoding(request: HttpRequest): string {
  const written = request.headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (written === '' || written === 'identity') return ''
  if (!written.includes(',')) return written
  const names = written.split(',').map((name) => name.trim())
  const encodings = names.filter((name) => name !== '' && name !== 'identity')
  return encodings.length > 1 ? encodings.join(', ') : (encodings[0] ?? '')
}

export function announcedBytes(request: HttpRequest): number | undefined {
  const written = request.headers['content-length']
  return written === undefined ? undefined : Number(written)
}
