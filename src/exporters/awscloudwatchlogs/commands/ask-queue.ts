// Queries one queue: through the daemon that holds its directory, or in its files.

import { stat } from 'node:fs/promises'
import { ComponentError } from '../../../component/component.ts'
import type { LetterWithEvents, Replayed, ShownLetter } from '../dead-letters/letter-commands.ts'

/** Each query, with the type of the pieces of its answer. */
export interface QueryResults {
  readonly list: ShownLetter
  readonly show: LetterWithEvents
  readonly replay: Replayed
}

/**
 * Skips a directory whose holder does not answer, and prints that.
 * @param query a checked query
 * @throws ComponentError, ErrnoException; for `describeDirectoryError`
 */
export async function* askQueue<Name extends keyof QueryResults>(
  directory: string,
  name: Name,
  query: object,
  print: (text: string) => void,
): AsyncGenerator<QueryResults[Name]> {
  const { askControl } = await import('../../../listen/directory/control.ts')
  const answer = await askControl(directory, `dead-letters.${name}`, { ...query })
  const pieces =
    answer ?? (name === 'replay' ? replayStored(directory, query) : lookAtStored(directory, name, query, print))
  try {
    yield* pieces as AsyncIterable<QueryResults[Name]>
  } catch (error) {
    // Another process holds the directory, or has taken it since the files were read: they may have changed.
    if (answer !== undefined || !(error instanceof Held || (await isHeldNow(directory)))) throw error
    print(
      `${directory} is skipped: another process is starting or stopping, or has taken it over and answers for its letters\n`,
    )
  }
}

class Held extends Error {}

async function isHeldNow(directory: string): Promise<boolean> {
  const { isHeld } = await import('../../../listen/directory/lock.ts')
  return isHeld(directory)
}

async function* lookAtStored(
  directory: string,
  name: keyof QueryResults,
  query: object,
  print: (text: string) => void,
): AsyncGenerator<ShownLetter | LetterWithEvents> {
  if (await isHeldNow(directory)) throw new Held()
  const { lookAtStoredLetters } = await import('./stored-letters.ts')
  const stored = await lookAtStoredLetters(directory)
  const { letterCommands, lostEvents } = stored
  try {
    if (lostEvents > 0)
      print(
        `${directory}: ${lostEvents} events of dead letters are damaged or missing; the daemon counts them as lost\n`,
      )
    yield* name === 'list' ? letterCommands.list(query) : letterCommands.show(query)
  } finally {
    await stored.close()
  }
}

async function* replayStored(directory: string, query: object): AsyncGenerator<Replayed> {
  await refuseRoot(directory)
  const [{ lock }, { openStoredLetters }] = await Promise.all([
    import('../../../listen/directory/lock.ts'),
    import('./stored-letters.ts'),
  ])
  const held = await lock(directory)
  if (held === undefined) throw new Held()
  try {
    const stored = await openStoredLetters(directory)
    try {
      yield await stored.letterCommands.replay(query)
    } finally {
      await stored.close()
    }
  } finally {
    await held.release()
  }
}

/** The daemon's user could not read files that root wrote. */
async function refuseRoot(directory: string): Promise<void> {
  const { uid } = await stat(directory)
  if (uid !== 0 && process.geteuid?.() === 0)
    throw new ComponentError(
      `${directory} belongs to user ${uid}, who could not read files that root writes there: run the command as that user, or start the daemon`,
    )
}
