import { timerDelay } from '../telemetry/timer-delay.ts'

/** Time a shutdown may take after its signal, ms: it only has to count what is left and close. */
const GRACE_MS = 1_000

/** A deadline for work. Its timer keeps the process alive, so that the signal always fires. */
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
 * Waits for `work`, at most until `GRACE_MS` after the signal.
 * @returns true if `work` ended
 * @throws the rejection of `work`
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
