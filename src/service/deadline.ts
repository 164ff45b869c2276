import { timerDelay } from '../telemetry/timer-delay.ts'

/** How long after its signal a shutdown may still take to return, ms: it has to give up, count and close, not to wait. */
const GRACE_MS = 1_000

/** A time after which work has to stop. Its timer keeps the process alive, so that the signal comes. */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(afterMs: number) {
    this.#timer = setTimeout(() => this.#controller.abort(), timerDelay(afterMs))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  clear(): void {
    clearTimeout(this.#timer)
  }
}

/**
 * Waits for `work`, and for no longer than a grace after the signal.
 * @returns whether it ended
 * @throws what `work` rejects with
 */
export async function endsWithin(work: Promise<void>, signal: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  let onAbort = (): void => {}
  const givenUp = new Promise<false>((resolve) => {
    onAbort = () => {
      timer = setTimeout(() => resolve(false), GRACE_MS)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work.then(() => true), givenUp])
  } finally {
    signal.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }
}
