import TransportStream from 'winston-transport'
import type { Ledger } from '../../../../accounting/ledger.ts'
import { LogSink } from './log-sink.ts'
import { severityOfWinston } from './severity.ts'
import { asOptions, readTransportOptions, type TransportOptions } from './transport-options.ts'

type WinstonFormat = NonNullable<TransportStream.TransportStreamOptions['format']>

/**
 * Options of the exporter, of the line, and of every winston transport. `format` is a template as a string; a format of
 * winston is applied before the message and fields are read.
 */
export type CloudWatchTransportOptions = Omit<TransportOptions, 'format'> & {
  readonly format?: string | WinstonFormat | undefined
  /** Threshold, one of the logger's levels. Default: the logger's own threshold. */
  readonly level?: string | undefined
  readonly silent?: boolean | undefined
  readonly handleExceptions?: boolean | undefined
  readonly handleRejections?: boolean | undefined
}

/** Under these keys winston keeps the level without colors. */
const LEVEL = Symbol.for('level')
const OWN_KEYS: ReadonlySet<string> = new Set(['level', 'message'])
const OWNER = 'otlp-cloudwatch/winston'

/** The logger's record as a transport receives it. */
interface Info extends Record<string | symbol, unknown> {
  readonly level: string
}

/** A winston transport that writes into CloudWatch Logs from inside the process. */
export class CloudWatchTransport extends TransportStream {
  readonly #sink: LogSink

  /** @throws Error naming each option that is wrong and what to write instead */
  constructor(options: CloudWatchTransportOptions) {
    const { level, silent, handleExceptions, handleRejections, format, ...rest } = asOptions(OWNER, options)
    const own = typeof format === 'object' ? format : undefined
    const template = typeof format === 'object' ? undefined : format
    const read = readTransportOptions(OWNER, { ...rest, format: template })
    if (level !== undefined && typeof level !== 'string')
      throw new Error(`${OWNER}: level: ${typeof level} is not a string: write one of the logger's levels`)
    super(defined({ level, silent, handleExceptions, handleRejections, format: own }))
    this.#sink = new LogSink(OWNER, read)
    this.on('pipe', (logger) => this.#checkLevel(logger))
  }

  /** Records that found no room or could not be encoded. */
  get dropped(): number {
    return this.#sink.dropped
  }

  /** Records by outcome: received = delivered + queued + filtered + deadLettered + rejected + lost. */
  get ledger(): Ledger {
    return this.#sink.ledger
  }

  override log(info: Info, next: () => void): void {
    const level = info[LEVEL]
    const name = typeof level === 'string' ? level : info.level
    this.#sink.write({
      timeMs: Date.now(),
      level: name,
      severityNumber: severityOfWinston(name),
      message: info['message'],
      fields: info,
      reserved: OWN_KEYS,
    })
    this.emit('logged', info)
    next()
  }

  /** Sends all records and waits for the answers, for at most `flushTimeoutMillis`. */
  flush(): Promise<void> {
    return this.#sink.flush()
  }

  /** Called by winston when the transport is removed. */
  override close(): void {
    void this.#sink.close()
  }

  /** Called by winston at `logger.end()`: `finish` follows when all records are sent or the time is over. */
  override _final(callback: (error?: Error | null) => void): void {
    void this.#sink.close().then(() => callback())
  }

  /** winston drops every record of a transport whose level its logger does not have. */
  #checkLevel(logger: unknown): void {
    const { levels } = logger as { readonly levels?: Readonly<Record<string, number>> }
    if (this.level === undefined || levels === undefined || Object.hasOwn(levels, this.level)) return
    const known = Object.keys(levels).join(', ')
    delete this.level
    this.#sink.warn(`level is not one of the logger's and has no effect: write one of ${known}`)
  }
}

/** The options that are set: winston's types have no undefined. */
function defined(options: Readonly<Record<string, unknown>>): TransportStream.TransportStreamOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
