import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Retry } from '../../accounting/outcome.ts'
import type { Queue } from '../../delivery/contract/queue.ts'

/** Weight of the last request in the average. */
const WEIGHT = 1 / 16
/** Of the estimate, to refuse by: a request that would just have fit is to be taken. */
const CAUTION = 0.9
/** ms a sender is asked to wait, with as much again at random. */
const RETRY_AFTER_MS = 1_000

/**
 * Whether a request will find room, told before it is read. Reading costs nearly all that accepting does, so a daemon under
 * overload would spend its time on what it refuses.
 */
export class Admission {
  readonly #budget: ByteBudget
  /** Bytes that a byte of a request takes in the queue, on average. */
  #ratio = 1

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** A request of `requestBytes` took `heldBytes` of the queue. */
  learn(requestBytes: number, heldBytes: number): void {
    this.#ratio += (heldBytes / requestBytes - this.#ratio) * WEIGHT
  }

  /** @returns why not; undefined for what may fit, which its reservation decides */
  refusal(queue: Queue, requestBytes: number): Retry | undefined {
    const { capacity, used } = this.#budget
    const needed = requestBytes * this.#ratio * CAUTION
    // An average must not keep out for good what might fit an empty queue.
    if (needed > Math.min(queue.capacityBytes, capacity) / 2) return undefined
    const free = Math.min(queue.capacityBytes - queue.usedBytes, capacity - used)
    if (needed <= free && queue.fullness < 1) return undefined
    return {
      kind: 'retry',
      cause: 'budget_full',
      afterMs: RETRY_AFTER_MS * (1 + Math.random()),
      message: `the queue is full (${queue.size} of ${queue.capacity}); the records were not taken`,
    }
  }
}
