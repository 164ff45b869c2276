// One queue is asked: the daemon that holds its directory, or the files in it.

import { stat } from 'node:fs/promises'
import { ComponentError } from '../../../component/component.ts'
import type { LetterWithEvents, Replayed, ShownLetter } from '../dead-letters/letter-commands.ts'

/** What can be asked, and a piece of the answer. */
export interface Asked {
  readonly list: ShownLetter
  readonly show: LetterWithEvents
  readonly replay: Replayed
}

/**
 * A directory whose holder does not answer is left out, which is told.
 * @param query that is checked
 * @throws ComponentError, ErrnoException; for `explain`
 */
export async function* askQueue<Name extends keyof Asked>(
  directory: string,
  name: Name,
  query: object,
  tell: (text: string) => void,
): AsyncGenerator<Asked[Name]> {
  const { askControl } = await import('../../../listen/directory/control.ts')
  const answer = await askControl(directory, `dead-letters.${name}`, { ...query })
  const pieces =
    answer ?? (name === 'replay' ? replayStored(directory, query) : lookAtStored(directory, name, query, tell))
  try {
    yield* pieces as AsyncIterable<Asked[Name]>
  } catch (error) {
    // It was held all the time, or is so since files were read: those may be other ones by now.
    if (answer !== undefined || !(error instanceof Held || (await isHeldNow(directory)))) throw error
    tell(
      `${directory} is left out: its holder starts or ends just now, or has taken it over and answers for what it took\n`,
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
  name: keyof Asked,
  query: object,
  tell: (text: string) => void,
): AsyncGenerator<ShownLetter | LetterWithEvents> {
  if (await isHeldNow(directory)) throw new Held()
  const { lookAtStoredLetters } = await import('./stored-letters.ts')
  const stored = await lookAtStoredLetters(directory)
  const { letterCommands, lostEvents } = stored
  try {
    if (lostEvents > 0)
      tell(`${directory}: ${lostEvents} events of dead letters are damaged or gone; the daemon counts them as lost\n`)
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

/** What root writes, the daemon's own user could not read. */
async function refuseRoot(directory: string): Promise<void> {
  const { uid } = await stat(directory)
  if (uid !== 0 && process.geteuid?.() === 0)
    throw new ComponentError(
      `${directory} belongs to the user ${uid}, who could not read what root writes there: run the command as that user, or start the daemon`,
    )
}
