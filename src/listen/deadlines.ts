/** A request that is being received. */
export interface Receiving {
  /** Called at the deadline, after the request is removed from the list. */
  expire(): void
}

/** Precision of deadlines: one timer for all costs less than one for each request. */
const TICK_MS = 1_000

/** Ends requests that take too long to arrive, where Node has no timeout of its own: HTTP/2 and gRPC. */
export class Deadlines {
  readonly limitMs: number
  /** Start times, oldest first: a Map keeps the order of insertion. */
  readonly #open = new Map<Receiving, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(limitMs: number) {
    this.limitMs = limitMs
  }

  start(): void {
    this.#timer = setInterval(() => this.#expire(performance.now() - this.limitMs), TICK_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#open.clear()
  }

  add(receiving: Receiving): void {
    this.#open.set(receiving, performance.now())
  }

  delete(receiving: Receiving): void {
    this.#open.delete(receiving)
  }

  #expire(before: number): void {
    for (const [receiving, began] of this.#open) {
      if (began > before) return
      this.#open.delete(receiving)
      receiving.expire()
    }
  }
}
