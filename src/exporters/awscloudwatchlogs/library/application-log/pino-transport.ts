import { Writable } from 'node:stream'
import type { Ledger } from '../../../../accounting/ledger.ts'
import { LogSink } from './log-sink.ts'
import { PINO_LEVELS, severityOfPino } from './severity.ts'
import { asOptions, readTransportOptions, type TransportOptions } from './transport-options.ts'

export type CloudWatchStreamOptions = TransportOptions & {
  /** Threshold: a level of pino or of `customLevels`, or a number. Default: every record that pino writes. */
  readonly level?: string | number | undefined
}

/** Characters of the longest line that is parsed; an event has at most 1 MiB. */
const MAX_LINE = 16 * 1_048_576
/** Characters kept of a line that is not parsed. */
const MAX_RAW = 1_048_576
const OWNER = 'otlp-cloudwatch/pino'

/** The part of pino's configuration that its lines depend on. */
interface PinoConfig {
  readonly levels?: {
    readonly values?: Readonly<Record<string, number>>
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly messageKey?: string
}

/** A stream of pino's lines into CloudWatch Logs, in a worker thread of pino or in the application's own. */
export class CloudWatchStream extends Writable {
  readonly #sink: LogSink
  readonly #least: string | number | undefined
  #values: ReadonlyMap<string, number> = PINO_LEVELS
  #labels: ReadonlyMap<number, string> = labelsOf(PINO_LEVELS)
  #messageKey = 'msg'
  #reserved: ReadonlySet<string> = new Set(['level', 'time', 'msg'])
  /** The beginning of a line whose end has not arrived. */
  #rest = ''
  #skipping = false

  /** @throws Error naming each option that is wrong and what to write instead */
  constructor(options: CloudWatchStreamOptions) {
    super({ decodeStrings: false, emitClose: true })
    const { level, ...rest } = asOptions(OWNER, options)
    if (level !== undefined && typeof level !== 'string' && !Number.isFinite(level))
      throw new Error(`${OWNER}: level: ${typeof level} is not a level: write info, or a number such as 30`)
    const read = readTransportOptions(OWNER, rest)
    this.#least = level
    this.#sink = new LogSink(OWNER, read)
    this.once('message', (message: unknown) => this.configure(message))
  }

  /** Records that found no room or could not be encoded. */
  get dropped(): number {
    return this.#sink.dropped
  }

  /** Records by outcome: received = delivered + queued + filtered + deadLettered + rejected + lost. */
  get ledger(): Ledger {
    return this.#sink.ledger
  }

  /** Sends all records; `callback` follows. It gets no error: pino would end its worker and throw in the application. */
  flush(callback: () => void): void {
    void this.#sink.flushOrLog().then(callback)
  }

  override _write(chunk: string | Buffer, _encoding: string, callback: () => void): void {
    this.#lines(typeof chunk === 'string' ? chunk : chunk.toString('utf8'))
    callback()
  }

  override _final(callback: () => void): void {
    if (this.#rest !== '') this.#line(this.#rest)
    this.#rest = ''
    void this.#sink.close().then(callback)
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    void this.#sink.close().then(() => callback(error))
  }

  #lines(chunk: string): void {
    let from = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      if (!this.#skipping) this.#line(this.#rest + chunk.slice(from, end))
      this.#skipping = false
      this.#rest = ''
      from = end + 1
    }
    if (this.#skipping) return
    this.#rest += chunk.slice(from)
    if (this.#rest.length <= MAX_LINE) return
    this.#line(this.#rest)
    this.#rest = ''
    this.#skipping = true
  }

  #line(line: string): void {
    if (line.trim() === '') return
    const parsed = line.length > MAX_LINE ? undefined : parseObject(line)
    if (parsed === undefined) return this.#raw(line.slice(0, MAX_RAW))
    const { level, time } = parsed
    const value = typeof level === 'number' ? level : this.#values.get(String(level))
    const least = this.#threshold()
    if (value !== undefined && least !== undefined && value < least) return
    this.#sink.write({
      timeMs: typeof time === 'number' ? time : Date.parse(String(time)),
      level: (value === undefined ? undefined : this.#labels.get(value)) ?? levelText(level),
      severityNumber: value === undefined ? 0 : severityOfPino(value),
      message: parsed[this.#messageKey],
      fields: parsed,
      reserved: this.#reserved,
    })
  }

  /** A line that is not an object of JSON, such as one of a formatter before this stream. */
  #raw(line: string): void {
    this.#sink.write({
      timeMs: Date.now(),
      level: '',
      severityNumber: 0,
      message: line,
      fields: {},
      reserved: this.#reserved,
    })
  }

  #threshold(): number | undefined {
    if (typeof this.#least !== 'string') return this.#least
    const value = this.#values.get(this.#least)
    if (value === undefined)
      this.#sink.warn(
        `level is not one of the logger's and has no effect: write one of ${[...this.#values.keys()].join(', ')}`,
      )
    return value
  }

  /** Takes over custom levels and keys from the message that pino sends to its destination. */
  configure(message: unknown): void {
    const { code, config } = (message ?? {}) as { readonly code?: unknown; readonly config?: PinoConfig }
    if (code !== 'PINO_CONFIG' || config === undefined) return
    const values = new Map(Object.entries(config.levels?.values ?? {}))
    if (values.size > 0) {
      this.#values = values
      this.#labels = labelsOf(values)
    }
    this.#messageKey = config.messageKey ?? this.#messageKey
    this.#reserved = new Set(['level', 'time', this.#messageKey])
  }
}

function levelText(level: unknown): string {
  return typeof level === 'string' || typeof level === 'number' ? String(level) : ''
}

function labelsOf(values: ReadonlyMap<string, number>): ReadonlyMap<number, string> {
  return new Map([...values].map(([label, value]) => [value, label]))
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    // Not JSON: the line is the message.
    return undefined
  }
}
