import { ByteBudget } from '../../../../component/byte-budget.ts'
import type { StageListener } from '../../../../component/consumer.ts'
import { ALONE } from '../../../../component/siblings.ts'
import type { Ledger } from '../../../../accounting/ledger.ts'
import type { Settlement } from '../../../../accounting/outcome.ts'
import { describeError } from '../../../../telemetry/describe-error.ts'
import { timerDelay } from '../../../../telemetry/timer-delay.ts'
import { CloudWatchLogs } from '../../cloudwatch-logs.ts'
import { resolve } from '../../settings/resolve.ts'
import { withoutRawLogWarning } from '../lines/raw-log-warning.ts'
import type { LineFormat } from '../lines/line-format.ts'
import { PlainCopier, selectMembers } from '../lines/plain-value.ts'
import { RecordWriter } from '../lines/record-writer.ts'
import { StderrLog } from './stderr-log.ts'
import type { ReadTransportOptions } from './transport-options.ts'
import { WaitingRequests } from './waiting-requests.ts'

/** One call of the application's logger. */
export interface LogEntry {
  readonly timeMs: number
  readonly level: string
  /** SeverityNumber of OTLP; 0 for a level of the application's own. */
  readonly severityNumber: number
  readonly message: unknown
  readonly fields: object
  /** Keys of `fields` that are not metadata. */
  readonly reserved: ReadonlySet<string>
}

const DEFAULT_BUFFER_BYTES = 64 * 1_048_576
/** Below the 10 s for which pino waits at exit for its worker thread. */
const DEFAULT_CLOSE_TIMEOUT_MS = 8_000
/** Size at which open records are handed over at once. */
const MAX_OPEN_BYTES = 262_144
/** Time for which records are gathered. With one request for each, records of 200 bytes took 1,270 bytes of the queue's memory. */
const GATHER_MS = 10
/** Delays between checks for a Region and credentials. */
const FIRST_CHECK_DELAY_MS = 1_000
const MAX_CHECK_DELAY_MS = 30_000

type State = 'waiting' | 'ready' | 'closed'

/**
 * Writes log calls into CloudWatch Logs from inside a process. `write` never blocks or throws: records that find no room are
 * counted in `dropped`. Until there are a Region and credentials nothing is sent, and records wait within `maxBufferBytes`.
 */
export class LogSink {
  readonly #logs: CloudWatchLogs
  readonly #log: StderrLog
  readonly #writer: RecordWriter
  readonly #waiting: WaitingRequests
  readonly #format: LineFormat | undefined
  readonly #metadata: ReadonlySet<string> | 'all'
  readonly #listener: StageListener
  readonly #closeTimeoutMs: number
  #state: State = 'waiting'
  #dropped = 0
  #gatherTimer: NodeJS.Timeout | undefined
  /** Number of open records that is handed over at once. */
  readonly #bufferSize: number
  #checking: Promise<void> | undefined
  #checkTimer: NodeJS.Timeout | undefined
  #checkDelayMs = FIRST_CHECK_DELAY_MS
  #closed: Promise<void> | undefined
  readonly #beforeExit = () => void this.close()
  readonly #atExit = () => this.#logUnsent()

  /** @param owner name of the transport, for the log and as the scope of its records */
  constructor(owner: string, { config, own, warnings, format, metadata, resource }: ReadTransportOptions) {
    const bufferBytes = own.maxBufferBytes ?? DEFAULT_BUFFER_BYTES
    this.#closeTimeoutMs = own.flushTimeoutMillis ?? DEFAULT_CLOSE_TIMEOUT_MS
    this.#log = new StderrLog({ component: owner })
    for (const warning of warnings) this.#log.warn(warning)
    this.#logs = new CloudWatchLogs({
      settings: withoutRawLogWarning(resolve(config, ALONE.share, {}), format !== undefined),
      siblings: ALONE,
      name: '',
      logger: this.#log,
      budget: new ByteBudget(bufferBytes),
      credentialProvider: own.credentialProvider,
      background: true,
    })
    this.#writer = new RecordWriter(resource, owner)
    this.#waiting = new WaitingRequests(bufferBytes)
    this.#format = format
    this.#metadata = metadata
    this.#bufferSize = config.sending_queue.batch?.min_size || Number.POSITIVE_INFINITY
    this.#listener = {
      queued: (failure) => failure === undefined || this.#log.error('records were not queued', { ...failure }),
      settled: (settlement, records) => this.#settled(settlement, records),
    }
    process.once('beforeExit', this.#beforeExit)
    process.once('exit', this.#atExit)
  }

  /** Records that found no room, came after the end, or could not be encoded. */
  get dropped(): number {
    return this.#dropped
  }

  /** Records that were queued, by outcome. */
  get ledger(): Ledger {
    return this.#logs.ledger
  }

  write(entry: LogEntry): void {
    if (this.#closed !== undefined) return this.#drop(1, 'the transport is closed')
    try {
      this.#add(entry)
    } catch (error) {
      return this.#drop(1, `a record could not be encoded: ${describeError(error)}`)
    }
    if (this.#writer.size >= MAX_OPEN_BYTES || this.#writer.count >= this.#bufferSize) this.#handOver()
    else this.#gatherTimer ??= setTimeout(() => this.#handOver(), GATHER_MS).unref()
  }

  warn(message: string): void {
    this.#log.warn(message)
  }

  /** Sends all records and waits for the answers. Rejects without credentials and after `flushTimeoutMillis`. */
  async flush(): Promise<void> {
    this.#handOver()
    await this.#within(async (signal) => {
      if (this.#state === 'waiting' && this.#unsent() > 0) await raceAbort(this.#check(), signal)
      await this.#logs.flush(signal)
      const left = this.#unsent()
      if (this.#state === 'waiting' && left > 0) throw new Error(`${left} records wait: nothing can be sent`)
      if (signal.aborted) throw new Error(`${left} records are still queued after ${this.#closeTimeoutMs} ms`)
    })
  }

  /** The same for a caller that cannot take an error: it is logged. */
  async flushOrLog(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      this.#log.error('the flush failed', { error: describeError(error) })
    }
  }

  /** Sends all records within `flushTimeoutMillis` and releases everything. Never rejects: lost records are logged. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  #add({ timeMs, level, severityNumber, message, fields, reserved }: LogEntry): void {
    const copier = new PlainCopier()
    const body = copier.copy(message) ?? ''
    const keep = (key: string) => !reserved.has(key) && (this.#format !== undefined || this.#isSelected(key))
    const attributes = copier.members(fields, keep)
    const time = Number.isSafeInteger(timeMs) && timeMs > 0 ? timeMs : Date.now()
    const record = { timeMs: time, severityNumber, severityText: level, attributes }
    if (this.#format === undefined) return this.#writer.add({ ...record, body })
    // A line has no attributes; the names of group and stream may come from any of them.
    const metadata = selectMembers(attributes, (key) => this.#isSelected(key))
    this.#writer.add({ ...record, body: this.#format.format({ timeMs: time, level, message: body, metadata }) })
  }

  #isSelected(key: string): boolean {
    return this.#metadata === 'all' || this.#metadata.has(key)
  }

  /** Passes the open records on: to the queue, or while nothing can be sent, to the waiting ones. */
  #handOver(): void {
    clearTimeout(this.#gatherTimer)
    this.#gatherTimer = undefined
    const records = this.#writer.count
    if (records === 0 || this.#state === 'closed') return
    if (this.#state === 'ready') return this.#enqueue(this.#writer.take(), records)
    // A request for each hand-over would cost more than its records.
    if (this.#writer.size >= MAX_OPEN_BYTES) {
      if (!this.#waiting.add(this.#writer.take(), records)) this.#drop(records, 'the buffer is full')
    }
    if (this.#checkTimer === undefined) void this.#check()
  }

  #enqueue(bytes: Uint8Array, records: number): void {
    try {
      this.#reserve(bytes, records)
    } catch (error) {
      // An error here would end the application: a timer calls this.
      this.#drop(records, describeError(error))
    }
  }

  #reserve(bytes: Uint8Array, records: number): void {
    const reserved = this.#logs.reserve({ bytes, receivedAtMs: Date.now(), metadata: undefined })
    if (reserved.kind !== 'reserved') return this.#drop(records, reserved.message)
    const { rejected } = reserved
    if (rejected.count > 0)
      this.#log.error('records were rejected', {
        records: rejected.count,
        reasons: [...rejected.byReason.keys()].join(', '),
      })
    reserved.commit(this.#listener)
  }

  #check(): Promise<void> {
    this.#checking ??= this.#open().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  /** Opens the way to the queue once there are a Region and credentials. */
  async #open(): Promise<void> {
    const problem = await this.#obstacle()
    if (this.#state !== 'waiting') return
    if (problem === undefined) {
      this.#state = 'ready'
      for (const { bytes, records } of this.#waiting.drain()) this.#enqueue(bytes, records)
      return this.#handOver()
    }
    this.#log.error('nothing is sent: records wait in memory', { problem })
    if (this.#closed !== undefined) return
    clearTimeout(this.#checkTimer)
    this.#checkTimer = setTimeout(() => {
      this.#checkTimer = undefined
      void this.#check()
    }, this.#checkDelayMs).unref()
    this.#checkDelayMs = Math.min(2 * this.#checkDelayMs, MAX_CHECK_DELAY_MS)
  }

  async #obstacle(): Promise<string | undefined> {
    try {
      if (this.#logs.running === undefined) await this.#logs.start()
      return await this.#logs.missingCredentials()
    } catch (error) {
      return describeError(error)
    }
  }

  async #close(): Promise<void> {
    process.off('beforeExit', this.#beforeExit)
    clearTimeout(this.#checkTimer)
    clearTimeout(this.#gatherTimer)
    try {
      await this.#within(async (signal) => {
        if (this.#state === 'waiting' && this.#unsent() > 0) await raceAbort(this.#check(), signal)
        else this.#handOver()
        await this.#logs.shutdown(signal)
      })
    } catch (error) {
      this.#log.error('the end failed', { error: describeError(error) })
    }
    this.#state = 'closed'
    process.off('exit', this.#atExit)
    const left = this.#waiting.records + this.#writer.count
    this.#waiting.drain()
    this.#writer.take()
    if (left > 0) this.#drop(left, 'nothing could be sent before the end')
    const lost = this.ledger.lost.shutdown
    if (lost > 0) this.#log.error('records could not be sent before the end and are lost', { records: lost })
    this.#log.flush()
  }

  /** Records that CloudWatch has not answered. */
  #unsent(): number {
    return this.#writer.count + this.#waiting.records + this.ledger.queued
  }

  /** process.exit leaves no time to send; its records are not lost silently. */
  #logUnsent(): void {
    const records = this.#unsent()
    if (records > 0)
      this.#log.error('the process exited before these records were sent: end the logger first', { records })
    this.#log.flush()
  }

  #settled(settlement: Settlement, records: number): void {
    if (settlement.kind === 'delivered') return
    const reason = 'reason' in settlement ? settlement.reason : ''
    // The end logs one count for all of these.
    if (reason !== 'shutdown')
      this.#log.error('records were not delivered', { outcome: settlement.kind, reason, records })
  }

  #drop(records: number, reason: string): void {
    this.#dropped += records
    this.#log.error('records are dropped', { reason, records, total: this.#dropped })
  }

  async #within(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const ended = new AbortController()
    // Unlike AbortSignal.timeout, this timer keeps the process alive until the work is done.
    const timer = setTimeout(() => ended.abort(), timerDelay(this.#closeTimeoutMs))
    try {
      await work(ended.signal)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Resolves when `work` does or the signal aborts. */
async function raceAbort(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => aborted.resolve(), { once: true })
  await Promise.race([work, aborted.promise])
}
