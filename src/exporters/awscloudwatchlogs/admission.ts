import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Retry } from '../../accounting/outcome.ts'
import type { Queue } from '../../delivery/contract/queue.ts'

/** Weight of the latest request in the average. */
const WEIGHT = 1 / 16
/** Part of the estimate that must be free: a request that would just fit must not be refused. */
const MIN_MARGIN = 0.9
/** …but if slightly less is free than requests need, each would be read and then refused. */
const MAX_MARGIN = 1.25
/** Added for each request that was read and then refused. */
const MARGIN_STEP = 0.05
/** Minimum wait requested of a sender, ms; up to the same again is added at random. */
const RETRY_AFTER_MS = 1_000

/**
 * Estimates before a request is read whether it will fit. Reading costs nearly as much as accepting, so an overloaded daemon
 * would spend its time on requests that it refuses.
 */
export class Admission {
  readonly #budget: ByteBudget
  /** Average queue bytes per request byte. */
  #ratio = 1
  /** Part of the estimate that must be free. */
  #margin = MIN_MARGIN

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** Records that a request of `requestBytes` took `heldBytes` of the queue. */
  learn(requestBytes: number, heldBytes: number): void {
    this.#ratio += (heldBytes / requestBytes - this.#ratio) * WEIGHT
    this.#margin += (MIN_MARGIN - this.#margin) * WEIGHT
  }

  /** Records that a request was read and then refused. */
  learnRefusal(): void {
    this.#margin = Math.min(MAX_MARGIN, this.#margin + MARGIN_STEP)
  }

  /**
   * @param heldBytes bytes of the budget that receiving the request will take in addition
   * @returns Returns the refusal; undefined if the request may fit, which its reservation decides
   */
  refusal(queue: Queue, requestBytes: number, heldBytes: number): Retry | undefined {
    const { capacity, used } = this.#budget
    const needed = requestBytes * this.#ratio * this.#margin
    const held = heldBytes * this.#margin
    // An average must not permanently refuse a request that might fit an empty queue.
    if (needed > queue.capacityBytes / 2 || needed + held > capacity / 2) return undefined
    const fits = needed <= queue.capacityBytes - queue.usedBytes && needed + held <= capacity - used
    if (fits && queue.fullness < 1) return undefined
    return {
      kind: 'retry',
      cause: 'budget_full',
      afterMs: RETRY_AFTER_MS * (1 + Math.random()),
      message: `the queue is full (${queue.size} of ${queue.capacity}); the records were not accepted`,
    }
  }
}
