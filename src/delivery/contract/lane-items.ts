import type { RejectedReason } from '../../accounting/outcome.ts'
import type { ItemBatch } from './items.ts'

/** Items of one request for one lane. */
export interface LaneItems<D> {
  readonly key: string
  readonly destination: D
  readonly items: ItemBatch
  /** The daemon's own items (gap markers): not counted, and never dead-lettered. */
  readonly own?: true
  /** Set for items that the destination will never take: they become a dead letter as soon as they are queued. */
  readonly dead?: Death
}

/** Reason why items are not sent. */
export interface Death {
  readonly reason: RejectedReason
  readonly error: string
}
