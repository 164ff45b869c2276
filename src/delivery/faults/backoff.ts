export interface BackoffOptions {
  readonly initialMs: number
  readonly multiplier: number
  readonly maxMs: number
  /** Waits do not keep the process alive. */
  readonly background?: boolean
}

/** Backoff for a fault that will not pass by itself. */
const LASTING_MS = 15_000

/**
 * Returns the wait after the `failures`-th failure in a row: full jitter over an exponentially growing bound, so that a
 * thousand shippers that failed together do not retry together (AWS Architecture Blog, "Exponential Backoff And Jitter").
 * @param afterMs minimum wait, requested by the destination
 */
export function backoffMs(options: BackoffOptions, failures: number, afterMs: number, lasting: boolean): number {
  const bound = Math.min(options.maxMs, options.initialMs * options.multiplier ** (failures - 1))
  const wait = lasting ? Math.min(LASTING_MS, options.maxMs) * (0.5 + Math.random() / 2) : Math.random() * bound
  return Math.max(afterMs, wait)
}
