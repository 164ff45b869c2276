import type { Identity } from './authenticator.ts'
import type { Ledger } from '../accounting/ledger.ts'
import type { Accepted, Outcome, Refused, Retry, Settlement } from '../accounting/outcome.ts'
import type { Rejections } from '../accounting/rejections.ts'

/**
 * One request of OTLP logs on its way through a pipeline. The wire is the model: what travels is protobuf.
 */
export interface LogsRequest {
  /**
   * An `ExportLogsServiceRequest` in protobuf wire format, not yet checked. Lent, not given: the lender may reuse the
   * buffer as soon as `consume` returns, so whoever wants to keep bytes copies them before that.
   */
  readonly bytes: Uint8Array
  /** Wall clock, ms since the epoch: the time of a record that has none. */
  readonly receivedAtMs: number
  /** Headers or gRPC metadata, lower-case names; undefined unless the receiver has `include_metadata`. */
  readonly metadata: ReadonlyMap<string, readonly string[]> | undefined
  /** The tenant that sent it; undefined for a sender that is bound by nothing but the exporter's own rules. */
  readonly identity?: Identity | undefined
  /** Which stage the receiver answers on: OTLP on `queued`, `wait_for_result` and Kafka on `settled`. */
  readonly answerOn: 'queued' | 'settled'
}

/** Hears the outcome exactly once; may be called before `consume` returns. */
export type Answer = (outcome: Outcome) => void

/** What a receiver is handed as `next`, and what a processor is. Never throws; whatever goes wrong is an outcome. */
export interface LogsConsumer {
  consume(request: LogsRequest, answer: Answer): void
  /**
   * Asked before a request is read: reading and decompressing cost most of what taking costs, and under overload that time
   * belongs to what is taken. Says nothing of most that will be refused: `consume` decides.
   * @param requestBytes of protobuf, by a guess where they are compressed or in JSON
   * @param heldBytes of the byte budget that receiving it will take
   * @returns why it would not be taken; undefined where it may be
   */
  earlyRefusal?(requestBytes: number, heldBytes: number): Retry | undefined
}

/**
 * The end of a pipeline. Admission is all or nothing over every exporter of a pipeline: all reserve, then all commit;
 * one that cannot reserve makes the others release, and nothing is left behind.
 */
export interface LogsExporter {
  reserve(request: LogsRequest): Reservation | Retry | Refused
  /** As for a LogsConsumer. */
  earlyRefusal?(requestBytes: number, heldBytes: number): Retry | undefined
  /** Its account of the records it received; the daemon's last line is read from it. */
  readonly ledger?: Ledger
  /** It is kept beside a queue on disk, and goes on with whoever takes that over. */
  readonly accountOutlives?: boolean
  /** Everything that can be told of it, for `GET /ledger`: the account of each destination, lanes, fault scopes. */
  report?(): object
  /** Why nothing can be taken for now, beyond a queue that is full; undefined while something can. */
  obstacle?(): string | undefined
}

/** Room for one request in one exporter. Exactly one of `commit` and `release` is called, once. */
export interface Reservation {
  readonly kind: 'reserved'
  /** OTLP log records in the request, the rejected ones included. */
  readonly records: number
  /** Records this exporter will not take. Almost always none. */
  readonly rejected: Rejections
  /** A warning for the sender about records that were taken all the same; empty if none. */
  readonly warning: string
  commit(listener: StageListener): void
  release(): void
}

export interface StageListener {
  /** `settled` is of no use to it: what waits for long need not hold it, and all that it holds, for that. */
  readonly queuedOnly?: boolean
  /** Once: the records are in the queue (with a storage: synced), or could not be kept. Possibly before `commit` returns. */
  queued(failure: Retry | undefined): void
  /** As records come to their end, after `queued(undefined)`; the counts add up to `records` less the rejected ones. */
  settled(settlement: Settlement, records: number): void
}

export function accepted(records: number): Accepted {
  return { kind: 'accepted', records, rejected: 0, message: '' }
}
