import type { RejectedReason } from '../../accounting/outcome.ts'
import type { ItemBatch } from './items.ts'

/** Items of one request for one lane. */
export interface LaneItems<D> {
  readonly key: string
  readonly destination: D
  readonly items: ItemBatch
  /** The daemon's own (gap markers): beside the account, and no dead letter. */
  readonly own?: true
  /** Given for what the destination will never take: it becomes a dead letter as soon as it is queued. */
  readonly dead?: Death
}

/** Why items are not sent. */
export interface Death {
  readonly reason: RejectedReason
  readonly error: string
}
