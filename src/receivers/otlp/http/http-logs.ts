import { GRPC_CODES } from '../../../component/answers.ts'
import type { LogsRequest } from '../../../component/consumer.ts'
import type { Outcome, Refused, Retry } from '../../../accounting/outcome.ts'
import { cutOff, readBody, type BodyFailure, type HttpRequest } from '../../../listen/http/body.ts'
import type { Deadlines } from '../../../listen/deadlines.ts'
import { decompress } from '../../../listen/compression/decompress.ts'
import type { DecompressFailure, Encoding } from '../../../listen/compression/encodings.ts'
import { hasRoomFor, Holding } from '../../../listen/memory/holding.ts'
import { quoted } from '../../../listen/socket/last-words.ts'
import type { Format } from '../../../otlp/format.ts'
import { MalformedJson } from '../../../otlp/json-reader.ts'
import { jsonToProtobuf } from '../../../otlp/json-to-protobuf.ts'
import { ProtobufWriter } from '../../../wire/protobuf-writer.ts'
import type { HttpConfig } from '../config.ts'
import { answerError, answerOutcome } from './http-answer.ts'
import type { HttpExchange } from './http-exchange.ts'
import { BUDGET_FULL, corrupt, tooLarge, unsupportedEncoding } from '../refusals/refusals.ts'
import type { TransportSettings } from '../transport.ts'

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

const LIMIT_KEY = 'protocols.http.max_request_body_size'

/** A buffer for mapped JSON that grew past this is released. */
const KEPT_BYTES = 4 * 1024 * 1024
/** JSON up to this size is mapped and passed on in one turn of the event loop: some 10 ms. */
const AT_ONCE_BYTES = 1024 * 1024

/** Handles log requests: checks the head, reads, decompresses, maps JSON, passes on, responds. */
export class HttpLogs {
  readonly #settings: TransportSettings<HttpConfig>
  readonly #deadlines: Deadlines | undefined
  readonly #served: (request: HttpRequest) => void
  readonly #encodings: ReadonlyMap<string, Encoding | undefined>
  /** Shared by all requests: nothing is awaited between the mapping and the end of `consume`. */
  readonly #writer = new ProtobufWriter()

  /** @param served called with each request whose body has arrived */
  constructor(
    settings: TransportSettings<HttpConfig>,
    deadlines: Deadlines | undefined,
    served: (request: HttpRequest) => void,
  ) {
    this.#settings = settings
    this.#deadlines = deadlines
    this.#served = served
    const wanted: readonly string[] = settings.config.compression_algorithms
    // As in the collector, `deflate` allows both of its names.
    const allowed = new Set(wanted.includes('deflate') ? [...wanted, 'zlib'] : wanted)
    this.#encodings = new Map([...ENCODINGS].filter(([name]) => allowed.has(name)))
  }

  receive(exchange: HttpExchange): void {
    const { request } = exchange
    const { limitBytes } = this.#settings
    if (request.method !== 'POST') {
      const message = `${request.method} is not an OTLP/HTTP method: send POST`
      this.#settings.refusals.request('method_not_allowed', message, exchange.sender, announcedBytes(request) ?? 0)
      return exchange.send(answerError(405, GRPC_CODES.UNIMPLEMENTED, message, { allow: 'POST' }))
    }
    const format = formatOf(request)
    const announced = announcedBytes(request)
    if (format === undefined) return this.#refuse(exchange, 'json', unsupportedMediaType(request), announced ?? 0)
    const encodingName = contentEncoding(request)
    if (!this.#encodings.has(encodingName)) return this.#refuseEncoding(exchange, format, encodingName, announced ?? 0)
    if (announced !== undefined && announced > limitBytes)
      return this.#refuse(exchange, format, tooLarge(limitBytes, LIMIT_KEY), announced)
    // An empty body is always accepted.
    const full = announced === 0 ? undefined : this.#fullFor(kindOf(format, encodingName), announced ?? 0)
    if (full !== undefined) return this.#refuse(exchange, format, full, announced ?? 0)
    exchange.continueBody()
    this.#read(exchange, format, encodingName, announced)
  }

  /** Returns why a request would be refused, judging by its head; undefined if it may be accepted. */
  #fullFor(kind: string, bytes: number): Retry | undefined {
    const { budget, forward } = this.#settings
    return hasRoomFor(budget, bytes) ? forward.earlyRefusal(kind, bytes) : BUDGET_FULL
  }

  #read(exchange: HttpExchange, format: Format, encodingName: string, announced: number | undefined): void {
    const { request } = exchange
    const { limitBytes, budget } = this.#settings
    const holding = new Holding(budget)
    const receiving = { expire: () => this.#expire(exchange) }
    this.#deadlines?.add(receiving)
    const failed = (failure: BodyFailure | DecompressFailure, bytes: number) => {
      holding.release()
      if (failure !== 'aborted') this.#refuse(exchange, format, this.#outcomeOf(failure, encodingName), bytes)
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
        return this.#refuse(exchange, format, full, body.length)
      }
      const encoding = this.#encodings.get(encodingName)
      const learn = (protobuf: number) =>
        this.#settings.forward.learnSize(kind, body.length, { protobuf, held: holding.peakBytes })
      if (encoding === undefined || body.length === 0) return this.#consume(exchange, format, body, holding, learn)
      // A sender that disconnects meanwhile will send the same records again, so they are not passed on.
      exchange.onClose(() => holding.release())
      decompress(encoding, body, limitBytes, holding, (bytes, failure) => {
        if (bytes === undefined) failed(failure ?? 'corrupt', body.length)
        else this.#consume(exchange, format, bytes, holding, learn)
      })
    })
  }

  /** @param learn called with the length in protobuf */
  #consume(
    exchange: HttpExchange,
    format: Format,
    body: Uint8Array,
    holding: Holding,
    learn: (protobufBytes: number) => void,
  ): void {
    if (format === 'protobuf') {
      learn(body.length)
      this.#forward(exchange, format, body, '')
      return holding.release()
    }
    if (!holding.take(body.length)) {
      holding.release()
      return this.#refuse(exchange, format, BUDGET_FULL, body.length)
    }
    // A large request gets its own buffer, so that others can run between its mapping and the forwarding.
    const writer = body.length <= AT_ONCE_BYTES ? this.#writer : new ProtobufWriter(body.length)
    const warning = this.#map(exchange, body, writer)
    if (warning === undefined) return holding.release()
    const forward = () => {
      const bytes = writer.view()
      learn(bytes.length)
      this.#forward(exchange, format, bytes, warning)
      writer.reset(KEPT_BYTES)
      holding.release()
    }
    if (writer === this.#writer) forward()
    else setImmediate(forward)
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
    forward.consume(bytes, metadata, exchange.identity, (outcome) => {
      if (outcome.kind !== 'accepted') refusals.byPipeline(outcome, exchange.sender)
      if (warning === '' || outcome.kind !== 'accepted') return this.#answer(exchange, format, outcome, '')
      forward.notUnderstood()
      logger.warn('a request holds JSON that is not OTLP logs; the response says so', { warning })
      const message = outcome.message === '' ? warning : `${outcome.message}; ${warning}`
      this.#answer(exchange, format, { ...outcome, message }, '')
    })
  }

  /** Cuts off an HTTP/2 body that takes too long: a response would wait for the rest of it. */
  #expire({ request, sender }: HttpExchange): void {
    const advice = 'its request did not arrive within read_timeout: check its network, or send smaller batches'
    this.#settings.refusals.request('timeout', advice, sender, announcedBytes(request) ?? 0)
    cutOff(request)
  }

  #refuse(exchange: HttpExchange, format: Format, outcome: Retry | Refused, bytes: number): void {
    this.#settings.refusals.outcome(outcome, exchange.sender, bytes)
    this.#answer(exchange, format, outcome, '')
  }

  #refuseEncoding(exchange: HttpExchange, format: Format, encodingName: string, bytes: number): void {
    const outcome = unsupportedEncoding(encodingName, this.#supported())
    this.#settings.refusals.outcome(outcome, exchange.sender, bytes)
    const answer = answerOutcome(outcome, format, '')
    // RFC 9110, 12.5.3: a 415 lists the supported codings this way.
    exchange.send({ ...answer, headers: { ...answer.headers, 'accept-encoding': this.#supported().join(', ') } })
  }

  #answer(exchange: HttpExchange, format: Format, outcome: Outcome, field: string): void {
    exchange.send(answerOutcome(outcome, format, field))
  }

  #supported(): string[] {
    return [...this.#encodings.keys()].map((name) => (name === '' ? 'identity' : name))
  }

  #outcomeOf(failure: Exclude<BodyFailure | DecompressFailure, 'aborted'>, encodingName: string): Retry | Refused {
    switch (failure) {
      case 'too_large':
        return tooLarge(this.#settings.limitBytes, LIMIT_KEY)
      case 'budget_full':
        return BUDGET_FULL
      case 'corrupt':
        return corrupt(encodingName)
    }
  }
}

export function formatOf(request: HttpRequest): Format | undefined {
  const [mediaType = ''] = (request.headers['content-type'] ?? '').split(';', 1)
  switch (mediaType.trim().toLowerCase()) {
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

function unsupportedMediaType(request: HttpRequest): Refused {
  const found = quoted(request.headers['content-type'] ?? '')
  const message = `the content type ${found} is not an OTLP type: send application/x-protobuf or application/json`
  return { kind: 'refused', cause: 'unsupported_media_type', message }
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

function announcedBytes(request: HttpRequest): number | undefined {
  const written = request.headers['content-length']
  return written === undefined ? undefined : Number(written)
}

/** Headers without HTTP/2's pseudo headers. */
function metadataOf(request: HttpRequest): LogsRequest['metadata'] {
  const metadata = new Map<string, string[]>()
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = (request.rawHeaders[at] ?? '').toLowerCase()
    const value = request.rawHeaders[at + 1] ?? ''
    if (name.startsWith(':')) continue
    const values = metadata.get(name)
    if (values === undefined) metadata.set(name, [value])
    else values.push(value)
  }
  return metadata
}
