import type { RejectedReason } from '../../accounting/outcome.ts'
import type { ItemBatch } from './items.ts'

/** The items of one request for one lane, as a queue takes them. */
export interface LaneItems {
  /** Lane key, which identifies the lane of a recovered batch. */
  readonly lane: string
  readonly items: ItemBatch
  /** The daemon's own items (gap markers): not counted, and never dead-lettered. A queue returns them as its own again. */
  readonly own?: boolean
}

/** The same, as the delivery takes them. */
export interface DeliveryItems<D> extends LaneItems {
  readonly destination: D
  /** Set for items that the destination will never take: they become a dead letter as soon as they are queued. */
  readonly dead?: Death | undefined
}

/** Reason why items are not sent. */
export interface Death {
  readonly reason: RejectedReason
  readonly error: string
}
