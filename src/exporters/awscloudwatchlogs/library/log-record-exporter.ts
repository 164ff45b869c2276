import { diag } from '@opentelemetry/api'
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { ByteBudget } from '../../../component/byte-budget.ts'
import { type Reservation, type StageListener, toSettle } from '../../../component/consumer.ts'
import { ALONE } from '../../../component/siblings.ts'
import type { Settlement } from '../../../accounting/outcome.ts'
import type { Ledger } from '../../../accounting/ledger.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import { timerDelay } from '../../../telemetry/timer-delay.ts'
import { CloudWatchLogs } from '../cloudwatch-logs.ts'
import { withOptionNames } from './option-names.ts'
import { resolve } from '../settings/resolve.ts'
import { withoutRawLogWarning } from './lines/raw-log-warning.ts'
import { type ExporterOptions, readOptions } from './read-options.ts'
import { rewriteRecords, type RewriteOptions } from './lines/rewrite-records.ts'

export type CloudWatchLogRecordExporterOptions = ExporterOptions

/** The result of an export, as in `@opentelemetry/core`: 0 is success, 1 is failure. */
export interface ExportResult {
  code: 0 | 1
  error?: Error
}

const DEFAULT_BUFFER_BYTES = 64 * 1_048_576
const DEFAULT_FLUSH_TIMEOUT_MS = 25_000

/**
 * A LogRecordExporter that writes into CloudWatch Logs, for a `BatchLogRecordProcessor` in a Node process. It has the
 * retries, limits and circuit breakers of the daemon. `export` reports success when CloudWatch has accepted every record.
 */
export class CloudWatchLogRecordExporter implements LogRecordExporter {
  readonly #logs: CloudWatchLogs
  readonly #flushTimeoutMs: number
  readonly #rewrite: RewriteOptions | undefined
  #started: Promise<void> | undefined
  #stopped: Promise<void> | undefined

  /** @throws Error naming each option that is wrong and what to write instead */
  constructor(options: CloudWatchLogRecordExporterOptions) {
    const { config, own, rewrite, warnings } = readOptions(options)
    this.#rewrite = rewrite
    const { maxBufferBytes, flushTimeoutMillis, credentialProvider } = own
    for (const warning of warnings) diag.warn(`CloudWatchLogRecordExporter: ${warning}`)
    this.#flushTimeoutMs = flushTimeoutMillis ?? DEFAULT_FLUSH_TIMEOUT_MS
    this.#logs = new CloudWatchLogs({
      settings: withoutRawLogWarning(resolve(config, ALONE.share, {}), rewrite?.format !== undefined),
      siblings: ALONE,
      name: '',
      logger: diagLogger(''),
      budget: new ByteBudget(maxBufferBytes ?? DEFAULT_BUFFER_BYTES),
      credentialProvider,
    })
  }

  /** Records by outcome: received = delivered + queued + filtered + deadLettered + rejected + lost. */
  get ledger(): Ledger {
    return this.#logs.ledger
  }

  export(records: ReadableLogRecord[], resultCallback: (result: ExportResult) => void): void {
    let bytes: Uint8Array | undefined
    try {
      bytes = ProtobufLogsSerializer.serializeRequest(records)
    } catch (cause) {
      return resultCallback({ code: 1, error: new Error('the records could not be serialized', { cause }) })
    }
    if (bytes === undefined) return resultCallback(failed('the records could not be serialized'))
    this.exportSerialized(bytes, resultCallback)
  }

  /**
   * Exports records that are already serialized.
   * @param bytes an OTLP `ExportLogsServiceRequest` in protobuf; not kept after the call, unless the first export still
   * waits for the client to be created
   */
  exportSerialized(bytes: Uint8Array, resultCallback: (result: ExportResult) => void): void {
    if (!(bytes instanceof Uint8Array))
      return resultCallback(failed(`bytes is ${typeof bytes}: pass an ExportLogsServiceRequest as a Uint8Array`))
    if (this.#stopped !== undefined) return resultCallback(failed('the exporter has been shut down'))
    let records = bytes
    try {
      if (this.#rewrite !== undefined) records = rewriteRecords(bytes, this.#rewrite)
    } catch (error) {
      return resultCallback(failed(error instanceof Error ? error.message : String(error)))
    }
    if (this.#logs.running !== undefined) return this.#take(records, resultCallback)
    this.#start().then(
      () => this.#take(records, resultCallback),
      (cause: unknown) => resultCallback({ code: 1, error: couldNotStart(cause) }),
    )
  }

  /** Sends all queued records and waits for the answers. Rejects without credentials and after `flushTimeoutMillis`. */
  async forceFlush(): Promise<void> {
    await this.#started
    const signal = AbortSignal.timeout(timerDelay(this.#flushTimeoutMs))
    await this.#logs.flush(signal)
    if (signal.aborted)
      throw new Error(`${this.ledger.queued} records are still queued after ${this.#flushTimeoutMs} ms`)
  }

  /** Flushes and closes. Records that could not be sent in time are lost, and logged. */
  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await this.#started?.catch(() => {
      // The exports have reported the failed start; there is nothing to close.
    })
    await this.#logs.shutdown(AbortSignal.timeout(timerDelay(this.#flushTimeoutMs)))
    const { shutdown } = this.ledger.lost
    if (shutdown > 0)
      diag.error(`CloudWatchLogRecordExporter: ${shutdown} records could not be sent before shutdown and are lost`)
  }

  /** The next export retries a failed start: the Region or a file may exist by then. */
  #start(): Promise<void> {
    this.#started ??= this.#logs.start().catch((error: unknown) => {
      this.#started = undefined
      throw error
    })
    return this.#started
  }

  #take(bytes: Uint8Array, resultCallback: (result: ExportResult) => void): void {
    const reservation = this.#logs.reserve({ bytes, receivedAtMs: Date.now(), metadata: undefined })
    if (reservation.kind !== 'reserved') return resultCallback(failed(reservation.message))
    reservation.commit(new ExportProgress(reservation, resultCallback))
  }
}

/** Calls back once, when every record of one export is settled. */
class ExportProgress implements StageListener {
  readonly #resultCallback: (result: ExportResult) => void
  readonly #problems = new Map<string, number>()
  #left: number

  constructor(reservation: Reservation, resultCallback: (result: ExportResult) => void) {
    this.#resultCallback = resultCallback
    this.#left = toSettle(reservation)
    for (const [reason, { count }] of reservation.rejected.byReason) this.#note(`rejected: ${reason}`, count)
  }

  queued(failure: { readonly message: string } | undefined): void {
    if (failure !== undefined) this.#resultCallback(failed(failure.message))
    else if (this.#left === 0) this.#done()
  }

  settled(settlement: Settlement, records: number): void {
    this.#left -= records
    if (settlement.kind !== 'delivered')
      this.#note('reason' in settlement ? `${settlement.kind}: ${settlement.reason}` : settlement.kind, records)
    if (this.#left === 0) this.#done()
  }

  #note(problem: string, records: number): void {
    this.#problems.set(problem, (this.#problems.get(problem) ?? 0) + records)
  }

  #done(): void {
    if (this.#problems.size === 0) return this.#resultCallback({ code: 0 })
    const list = [...this.#problems].map(([problem, records]) => `${records} ${problem}`).join(', ')
    this.#resultCallback(failed(`not every record was delivered: ${list}`))
  }
}

function failed(message: string): ExportResult {
  return { code: 1, error: new Error(withOptionNames(message)) }
}

function couldNotStart(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new Error(`the exporter could not start: ${withOptionNames(reason)}`, { cause })
}

/** Logs to the application's OpenTelemetry diagnostics, which are silent unless it set a logger. */
function diagLogger(prefix: string): Logger {
  const log = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: object) =>
    diag[level](`CloudWatchLogRecordExporter: ${prefix}${withOptionNames(message)}`, fields ?? {})
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => diagLogger(`${prefix}${Object.values(fields).join(' ')} `),
  }
}
