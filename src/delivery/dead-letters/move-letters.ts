import type { DeadLetter, DeadLetters } from './dead-letters.ts'

/** Who keeps account of letters that come from another store. */
export interface MovedAccount {
  /** It lies in the new store now. */
  moved(letter: DeadLetter): void
  /** Items of a letter whose bytes are damaged. */
  lost(items: number): void
}

/**
 * Moves letters into another store, one after another, so that no more than one is in memory. A letter is on disk in the
 * new store before it goes from the old one; what a crash left in both is known again and kept once.
 * @returns why those that are still there stayed; undefined when all are moved
 */
export async function moveLetters(
  from: DeadLetters,
  to: DeadLetters,
  account: MovedAccount,
  signal: AbortSignal,
): Promise<string | undefined> {
  const stopped = Promise.withResolvers<undefined>()
  const stop = () => stopped.resolve(undefined)
  signal.addEventListener('abort', stop)
  try {
    for await (const letter of from.list({})) {
      const items = signal.aborted ? undefined : await Promise.race([from.read(letter.id), stopped.promise])
      if (signal.aborted) return 'the process is stopping'
      if (items === undefined) account.lost(letter.items)
      else if (!to.has(letter)) {
        const refused = await to.adopt(letter, items)
        if (refused !== undefined) return refused.message
        account.moved(letter)
      }
      from.remove(letter.id)
    }
    return undefined
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
