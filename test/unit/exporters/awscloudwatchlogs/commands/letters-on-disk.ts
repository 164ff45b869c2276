// Storage directories with dead letters in them: of stopped daemons, and of one that answers.
//
//   const root = await storage()
//   await stopped(root, 'awscloudwatchlogs/0000', [{ id: 'a', died: 1 }])
//   const running = await answering(root, 'awscloudwatchlogs/0001', [{ id: 'b', died: 2 }])
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ByteBudget } from '../../../../../src/component/byte-budget.ts'
import { type DeadLetters, openDeadLetters } from '../../../../../src/delivery/dead-letters/dead-letters.ts'
import { LetterCommands } from '../../../../../src/exporters/awscloudwatchlogs/dead-letters/letter-commands.ts'
import { lock } from '../../../../../src/listen/directory/lock.ts'
import { openControl } from '../../../../../src/listen/directory/control.ts'
import { silentLogger } from '../../../../../src/telemetry/logger.ts'
import { itemBatch } from '../../../../fakes/items.ts'
import { temporaryFolder } from '../../../../fakes/temporary-folder.ts'

export interface Letter {
  readonly id: string
  /** Wall clock, ms. */
  readonly died: number
  readonly reason?: string
  readonly group?: string
  readonly error?: string
  readonly message?: string
}

export async function storage(): Promise<string> {
  const root = await temporaryFolder()
  return root
}

/** What a daemon that ended left there. @returns the directory of its queue */
export async function stopped(root: string, queue: string, letters: readonly Letter[]): Promise<string> {
  const directory = join(root, queue)
  await (await keep(directory, letters)).close()
  return directory
}

/** A daemon that holds the directory and answers; `shown` counts the letters it has sent, or is about to. */
export async function answering(root: string, queue: string, letters: readonly Letter[]) {
  const directory = join(root, queue)
  const kept = await keep(directory, letters)
  const offered: string[] = []
  const letterCommands = new LetterCommands(kept, async (_, to) => {
    offered.push(to)
    return undefined
  })
  const running = { directory, offered, shown: 0 }
  const control = await openControl(directory, {
    'dead-letters.list': (query) => letterCommands.list(query),
    'dead-letters.show': async function* (query) {
      for await (const letter of letterCommands.show(query)) {
        running.shown++
        yield letter
      }
    },
    'dead-letters.replay': (query) => letterCommands.replay(query),
  })
  const held = await lock(directory)
  onTestFinished(async () => {
    await control.close()
    await held?.release()
    await kept.close()
  })
  return running
}

async function keep(directory: string, letters: readonly Letter[]): Promise<DeadLetters> {
  const path = join(directory, 'dead-letters')
  await mkdir(path, { recursive: true })
  const fatal = (error: Error) => {
    throw error
  }
  const options = { directory: path, capacityBytes: 256 * 1_048_576, fsync: false }
  const kept = openDeadLetters(options, () => {}, fatal, new ByteBudget(256 * 1_048_576), silentLogger)
  await kept.open()
  for (const { id, died, reason = 'poison', group = '/app', error = '', message = id } of letters) {
    const text = `${JSON.stringify({ timestamp: died, message })},`
    const facts = { id, lane: `${group}:s`, reason, error, diedAtMs: died, items: 1 }
    const refused = await kept.adopt(facts, itemBatch([{ text, time: died }]))
    if (refused !== undefined) throw new Error(refused.message)
  }
  return kept
}
