import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Retry } from '../../accounting/outcome.ts'
import type { Queue } from '../../delivery/contract/queue.ts'

/** Weight of the last request in the average. */
const WEIGHT = 1 / 16
/** Of the estimate, to refuse by: a request that would just have fit is to be taken. */
const MIN_MARGIN = 0.9
/** …but where the free room is a little less than requests take, each would be read and then refused. */
const MAX_MARGIN = 1.25
/** For a request that was read and refused. */
const MARGIN_STEP = 0.05
/** ms a sender is asked to wait, with as much again at random. */
const RETRY_AFTER_MS = 1_000

/**
 * Whether a request will find room, known before it is read. Reading costs nearly all that accepting does, so a daemon under
 * overload would spend its time on what it refuses.
 */
export class Admission {
  readonly #budget: ByteBudget
  /** Bytes that a byte of a request takes in the queue, on average. */
  #ratio = 1
  /** Of the estimate that has to be free. */
  #margin = MIN_MARGIN

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  /** A request of `requestBytes` took `heldBytes` of the queue. */
  learn(requestBytes: number, heldBytes: number): void {
    this.#ratio += (heldBytes / requestBytes - this.#ratio) * WEIGHT
    this.#margin += (MIN_MARGIN - this.#margin) * WEIGHT
  }

  /** A request that was thought to fit was read for nothing. */
  learnRefusal(): void {
    this.#margin = Math.min(MAX_MARGIN, this.#margin + MARGIN_STEP)
  }

  /**
   * @param heldBytes of the byte budget that receiving it will take, beside what it has taken
   * @returns why not; undefined for what may fit, which its reservation decides
   */
  refusal(queue: Queue, requestBytes: number, heldBytes: number): Retry | undefined {
    const { capacity, used } = this.#budget
    const needed = requestBytes * this.#ratio * this.#margin
    const held = heldBytes * this.#margin
    // An average must not keep out for good what might fit an empty queue.
    if (needed > queue.capacityBytes / 2 || needed + held > capacity / 2) return undefined
    const fits = needed <= queue.capacityBytes - queue.usedBytes && needed + held <= capacity - used
    if (fits && queue.fullness < 1) return undefined
    return {
      kind: 'retry',
      cause: 'budget_full',
      afterMs: RETRY_AFTER_MS * (1 + Math.random()),
      message: `the queue is full (${queue.size} of ${queue.capacity}); the records were not taken`,
    }
  }
}
