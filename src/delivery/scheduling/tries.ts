// Limits how often the items of a failed put are sent again. Off unless the config sets a maximum.
//
//   put fails ─▶ counts? ─no─▶ back into the lane
//                  └─yes─▶ one more try of its batches ─▶ maximum reached? ─▶ given up

import { type Pack, joinRuns } from '../contract/pack.ts'
import type { PutRetry } from '../contract/sender.ts'
import type { Run } from '../contract/run-queue.ts'

export interface Tried {
  /** Given up, in as few runs as possible: each may become a dead letter. */
  readonly spent: readonly Run[]
  /** Sent again. */
  readonly rest: readonly Run[]
}

export class Tries {
  readonly max: number

  /** @param max tries of a put, over which its items are given up; infinity for none */
  constructor(max: number) {
    this.max = max
  }

  /**
   * Counts a failed put.
   * @param startedAtMs `performance.now()` at its start: puts in flight together are one try of a batch they share
   */
  failed(pack: Pack, startedAtMs: number, outcome: PutRetry): Tried {
    if (this.max === Number.POSITIVE_INFINITY || !counts(outcome)) return { spent: [], rest: pack.runs }
    const now = performance.now()
    const spent: Run[] = []
    const rest: Run[] = []
    for (const run of pack.runs) {
      const { batch } = run
      // Later requests get their own tries.
      batch.closed = true
      if (startedAtMs >= batch.triedAtMs) {
        batch.tries++
        batch.triedAtMs = now
      }
      if (batch.tries >= this.max) spent.push(run)
      else rest.push(run)
    }
    this.#startAgain(spent)
    return { spent: joinRuns(spent), rest }
  }

  /** A batch that was partly accepted starts again: its remaining items get all tries. */
  accepted(pack: Pack): void {
    if (this.max < Number.POSITIVE_INFINITY) this.#startAgain(pack.runs)
  }

  /** A batch that does not fit one put has several parts, each with its own tries. */
  #startAgain(runs: readonly Run[]): void {
    for (const { batch } of runs) batch.tries = 0
  }
}

/** Throttling asks to send the same again, later; a destination that is being created is no failure. */
function counts({ reason, expected }: PutRetry): boolean {
  return reason !== 'throttled' && reason !== 'shutting_down' && expected !== true
}
