// A load of requests with one small record each, as SDKs with a simple processor and serverless functions send them.
//
//   const load = new OutageLoad(daemon.httpPort, { streams: 900 })
//   load.acknowledged, load.refused, load.quietMs      ms since a record was last acknowledged
//   await load.finish()
//   load.records.audit()                               once all have arrived: `records.arrive(id)`
//
// It runs on bare sockets: Node's client would take more CPU than the daemon that it is to overload.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { logsRequest } from '../../fakes/logs-request.ts'
import { RecordFates } from './outage-records.ts'

const CONNECTIONS = 64
/** A new connection after one that broke waits so long: the daemon may be gone. */
const RECONNECT_MS = 20

const ID_MARK = '@@'
const ID_DIGITS = 10
const NO_ID = `${ID_MARK}${'0'.repeat(ID_DIGITS)}`
const STREAM_MARK = 'stream-'
const NO_STREAM = `${STREAM_MARK}00000`
/** So that an event is about 150 bytes. */
const BODY_LENGTH = 90
const NO_TIME = 0x1122334455667788n

/** @returns the id in an event of this load */
export function idOf(message: string): number {
  const start = message.indexOf(ID_MARK) + ID_MARK.length
  return Number(message.slice(start, start + ID_DIGITS))
}

export function streamName(index: number): string {
  return `${STREAM_MARK}${String(index).padStart(5, '0')}`
}

/** A request with one record, as the bytes on the connection. */
class RequestTemplate {
  readonly #bytes: Buffer
  readonly #id: number
  readonly #stream: number
  readonly #time: number

  constructor() {
    const body = Buffer.from(
      logsRequest({
        resource: { 'service.name': NO_STREAM },
        scopes: [{ records: [{ body: NO_ID.padEnd(BODY_LENGTH, '.'), time: NO_TIME }] }],
      }),
    )
    const head =
      'POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n' +
      `Content-Length: ${body.length}\r\n\r\n`
    this.#bytes = Buffer.concat([Buffer.from(head), body])
    this.#id = this.#bytes.indexOf(NO_ID) + ID_MARK.length
    this.#stream = this.#bytes.indexOf(NO_STREAM)
    const time = Buffer.alloc(8)
    time.writeBigUInt64LE(NO_TIME)
    this.#time = this.#bytes.indexOf(time)
  }

  build(id: number, stream: number, timeMs: number): Buffer {
    const bytes = Buffer.from(this.#bytes)
    bytes.write(String(id).padStart(ID_DIGITS, '0'), this.#id, 'latin1')
    bytes.write(streamName(stream), this.#stream, 'latin1')
    bytes.writeBigUInt64LE(BigInt(timeMs) * 1_000_000n, this.#time)
    return bytes
  }
}

export interface OutageLoadOptions {
  /** The records go to `stream-00000` and so on, in turn. */
  readonly streams: number
  /** The first of them. Default 0. */
  readonly firstStream?: number
  /** Every n-th record is too old for CloudWatch. */
  readonly lateEvery?: number
  readonly connections?: number
  /** Rest of a connection between two requests. */
  readonly pauseMs?: number
}

/** CloudWatch takes no event that is older than 14 days. */
const LATE_MS = 15 * 86_400_000

export class OutageLoad {
  readonly records: RecordFates
  acknowledged = 0
  refused = 0
  /** Requests whose connection broke before the answer. */
  unanswered = 0
  /** Answers that no sender should get, and refusals without Retry-After; the first few. */
  readonly wrongAnswers: string[] = []
  /** Records reported as rejected in a partial success. */
  rejected = 0
  readonly #template = new RequestTemplate()
  readonly #options: OutageLoadOptions
  readonly #port: number
  readonly #running: Promise<unknown>
  readonly #startedAt = performance.now()
  #acknowledgedAt = performance.now()
  #on = true

  /** @param records of an earlier load, whose ids go on */
  constructor(port: number, options: OutageLoadOptions, records: RecordFates = new RecordFates()) {
    this.#port = port
    this.#options = options
    this.records = records
    this.#running = Promise.all(Array.from({ length: options.connections ?? CONNECTIONS }, () => this.#run()))
  }

  get offered(): number {
    return this.acknowledged + this.refused
  }

  /** Time since a record was last acknowledged. */
  get quietMs(): number {
    return performance.now() - this.#acknowledgedAt
  }

  get requestsPerSecond(): number {
    return Math.round((this.offered / (performance.now() - this.#startedAt)) * 1_000)
  }

  /** Begins no request any more and waits for the answers under way. */
  async finish(): Promise<void> {
    this.#on = false
    await this.#running
  }

  async #run(): Promise<void> {
    while (this.#on) {
      await new Promise<void>((resolve) => new LoadConnection(this.#port, this, resolve))
      if (this.#on) await sleep(RECONNECT_MS)
    }
  }

  /** @returns the next request, undefined once the load ends */
  next(): { readonly id: number; readonly bytes: Buffer } | undefined {
    if (!this.#on) return undefined
    const { streams, firstStream = 0, lateEvery } = this.#options
    const late = lateEvery !== undefined && this.records.issued % lateEvery === 0
    const id = this.records.next(late)
    const now = Date.now()
    return { id, bytes: this.#template.build(id, firstStream + (id % streams), late ? now - LATE_MS : now) }
  }

  get pauseMs(): number {
    return this.#options.pauseMs ?? 0
  }

  answered(id: number, { status, retryAfter, body }: HttpAnswer): void {
    if (status === 200) {
      const rejected = body.length === 0 ? 0 : rejectedOf(body)
      if (rejected > 0) {
        this.rejected += rejected
        return
      }
      this.records.acknowledge(id)
      this.acknowledged++
      this.#acknowledgedAt = performance.now()
    } else {
      this.records.refuse(id)
      this.refused++
      const wait = (status === 503 || status === 429) && Number(retryAfter) >= 1
      if (!wait && this.wrongAnswers.length < 5)
        this.wrongAnswers.push(`${status}, Retry-After ${retryAfter}: ${body.toString('latin1').slice(0, 200)}`)
    }
  }
}

function rejectedOf(body: Buffer): number {
  return ProtobufLogsSerializer.deserializeResponse(body).partialSuccess?.rejectedLogRecords ?? 0
}

export interface HttpAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: Buffer
}

/** One connection with one request after the other. */
class LoadConnection {
  readonly #socket: Socket
  readonly #load: OutageLoad
  #answer: Buffer = Buffer.alloc(0)
  #id: number | undefined

  constructor(port: number, load: OutageLoad, closed: () => void) {
    this.#load = load
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => this.#send())
    this.#socket.on('data', (bytes) => this.#read(bytes))
    // The close event follows.
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.on('close', () => {
      if (this.#id !== undefined) load.unanswered++
      closed()
    })
  }

  #send(): void {
    const request = this.#load.next()
    if (request === undefined) {
      this.#socket.end()
      this.#socket.destroy()
      return
    }
    this.#id = request.id
    this.#socket.write(request.bytes)
  }

  #read(bytes: Buffer): void {
    this.#answer = this.#answer.length === 0 ? bytes : Buffer.concat([this.#answer, bytes])
    const answer = parseAnswer(this.#answer)
    if (answer === undefined || this.#id === undefined) return
    this.#answer = Buffer.alloc(0)
    const id = this.#id
    this.#id = undefined
    this.#load.answered(id, answer)
    if (this.#load.pauseMs > 0) setTimeout(() => this.#send(), this.#load.pauseMs)
    else this.#send()
  }
}

/** @returns undefined until the whole answer is there */
function parseAnswer(bytes: Buffer): HttpAnswer | undefined {
  const text = bytes.toString('latin1')
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = text.slice(0, headEnd)
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
  if (bytes.length < headEnd + 4 + length) return undefined
  return {
    status: Number(head.slice(9, 12)),
    retryAfter: /\r\nretry-after: ([^\r]+)/i.exec(head)?.[1],
    body: bytes.subarray(headEnd + 4, headEnd + 4 + length),
  }
}
