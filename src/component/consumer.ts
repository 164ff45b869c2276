import type { Identity } from './authenticator.ts'
import type { Ledger } from '../accounting/ledger.ts'
import type { Accepted, Outcome, Refused, Retry, Settlement } from '../accounting/outcome.ts'
import type { Rejections } from '../accounting/rejections.ts'

/**
 * One request of OTLP logs in a pipeline, as protobuf.
 */
export interface LogsRequest {
  /**
   * An `ExportLogsServiceRequest` in protobuf wire format, unchecked. The caller may reuse the buffer as soon as `consume`
   * returns, so a consumer that keeps bytes copies them before that.
   */
  readonly bytes: Uint8Array
  /** Wall clock, ms since the epoch: the time of records that have none. */
  readonly receivedAtMs: number
  /** Headers or gRPC metadata by lower-case name; undefined unless the receiver has `include_metadata`. */
  readonly metadata: ReadonlyMap<string, readonly string[]> | undefined
  /** The tenant that sent it; undefined if only the exporter's own rules limit the sender. */
  readonly identity?: Identity | undefined
  /**
   * The receiver's protocol lets a client name its destination: the resource attributes `aws.log.group.names` and
   * `aws.log.stream.names` replace the exporter's names, within the groups that it allows.
   */
  readonly namesDestination?: boolean
  /** An event is only the body of its record, as if the exporter had `raw_log`. */
  readonly bare?: boolean
}

/** Receives the outcome exactly once, possibly before `consume` returns. */
export type Answer = (outcome: Outcome) => void

/** The `next` of a receiver. Never throws: every failure is an outcome. */
export interface LogsConsumer {
  consume(request: LogsRequest, answer: Answer): void
  /**
   * Called before a request is read: reading and decompressing are most of the cost of accepting a request, and under
   * overload that time should go to accepted requests. Finds only some refusals early: `consume` decides.
   * @param requestBytes bytes of protobuf, estimated if the request is compressed or in JSON
   * @param heldBytes bytes of the budget that receiving the request will take
   * @returns the refusal; undefined if the request may be accepted
   */
  earlyRefusal?(requestBytes: number, heldBytes: number): Retry | undefined
}

/**
 * The end of a pipeline. Admission is all or nothing over every exporter of a pipeline: all reserve, then all commit. If one
 * cannot reserve, the others release.
 */
export interface LogsExporter {
  reserve(request: LogsRequest): Reservation | Retry | Refused
  /** As for a LogsConsumer. */
  earlyRefusal?(requestBytes: number, heldBytes: number): Retry | undefined
  /** The exporter's record counts, which the daemon logs in its last line. */
  readonly ledger?: Ledger
  /** True if the ledger is kept with a queue on disk, and continues in the process that takes the queue over. */
  readonly ledgerOutlives?: boolean
  /** Returns the exporter's state for `GET /ledger`: the ledger of each destination, lanes, fault scopes. */
  report?(): object
  /** Returns the reason, other than a full queue, why the exporter takes no records now; undefined if there is none. */
  obstacle?(): string | undefined
}

/** Room for one request in one exporter. Exactly one of `commit` and `release` is called, once. */
export interface Reservation {
  readonly kind: 'reserved'
  /** OTLP log records in the request, the rejected ones included. */
  readonly records: number
  /** Records that this exporter rejects. Almost always none. */
  readonly rejected: Rejections
  /** Records that will be settled. Default: all that are not rejected. A record that becomes several events counts as several. */
  readonly toSettle?: number
  /** The stage on which the sender is answered; `settled`, for example, with `wait_for_result`. */
  readonly answerOn: 'queued' | 'settled'
  /** A warning for the sender about records that were accepted; empty if there is none. */
  readonly warning: string
  commit(listener: StageListener): void
  release(): void
}

/** Receives the outcomes of records. */
export interface SettlementListener {
  /** Called as records settle, after they were queued; the counts add up to `toSettle`. */
  settled(settlement: Settlement, records: number): void
}

export interface StageListener extends SettlementListener {
  /** The listener ignores `settled`, so long-queued batches may drop their reference to it. */
  readonly queuedOnly?: boolean
  /** Called once, when the records are queued (with a storage: synced) or failed; possibly before `commit` returns. */
  queued(failure: Retry | undefined): void
}

export function accepted(records: number): Accepted {
  return { kind: 'accepted', records, rejected: 0, message: '' }
}

/** Settings that a processor requests of its pipeline; an absent key requests nothing. */
export interface PipelineShape {
  /** Maximum time a record waits for a batch to fill, ms. */
  readonly flushIntervalMs?: number
  /** Maximum events in one put. */
  readonly maxBatchEvents?: number
  /** Bytes for the budget of the process. */
  readonly budgetBytes?: number
  /** The same as a share of the process's memory limit, 0 to 1; `budgetBytes` takes precedence. */
  readonly budgetShare?: number
  /** Notes to log at start, one sentence each. */
  readonly notes?: readonly string[]
}

export function toSettle({ records, rejected, toSettle: own }: Reservation): number {
  return own ?? records - rejected.count
}
