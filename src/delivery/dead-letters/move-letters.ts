import { Stop, STOPPED } from '../contract/stop.ts'
import type { DeadLetter, DeadLetters } from './dead-letters.ts'

/** Counts letters that come from another store. */
export interface MovedLetters {
  /** Counts a letter that is now in the new store. */
  moved(letter: DeadLetter): void
  /** Counts items of a damaged letter. */
  lost(items: number): void
}

/**
 * Moves letters into another store, one by one, so that at most one is in memory. A letter is on disk in the new store
 * before it is removed from the old one; a letter that a crash left in both is recognized and stored once.
 * @returns why the remaining letters stayed; undefined if all were moved
 */
export async function moveLetters(
  from: DeadLetters,
  to: DeadLetters,
  counts: MovedLetters,
  signal: AbortSignal,
): Promise<string | undefined> {
  const stop = new Stop()
  const request = () => stop.request()
  signal.addEventListener('abort', request)
  try {
    for await (const letter of from.list({})) {
      const items = signal.aborted ? STOPPED : await stop.before(from.read(letter.id))
      if (items === STOPPED || signal.aborted) return 'the process is stopping'
      if (items === undefined) counts.lost(letter.items)
      else if (!to.has(letter)) {
        const refused = await to.adopt(letter, items)
        if (refused !== undefined) return refused.message
        counts.moved(letter)
      }
      from.remove(letter.id)
    }
    return undefined
  } finally {
    signal.removeEventListener('abort', request)
  }
}
