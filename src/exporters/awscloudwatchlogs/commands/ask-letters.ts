// What `dead-letters list`, `show` and `replay` have in common: their options, and the queues they ask.

import type { z } from 'zod'
import type { Asked } from './ask-queue.ts'
import type { Found } from './find-queues.ts'
import type { CommandHost, ExitCode, Options, Output, Values } from '../../../component/command.ts'

/** Options of every `dead-letters` command. */
export const LETTER_OPTIONS = {
  directory: {
    type: 'string',
    value: 'DIR',
    description: 'the directory of file_storage, instead of what the config says',
  },
  reason: { type: 'string', value: 'REASON', description: 'only letters of this reason: too_old, poison, expired, …' },
  group: { type: 'string', value: 'GROUP', description: 'only letters for this log group' },
  since: {
    type: 'string',
    value: 'TIME',
    description: 'only letters since then: 2026-11-21T10:00:00Z, 2026-11-21, or ms since the epoch',
  },
  id: { type: 'string', value: 'ID', description: 'only this letter' },
} as const satisfies Options

type LetterValues = Values<typeof LETTER_OPTIONS>

export interface Answers<Piece> {
  /** One for each queue. What keeps one from answering is told, and the others answer. */
  readonly queues: readonly AsyncIterable<Piece>[]
  /** 1 as soon as one could not answer. */
  exitCode(): 0 | 1
}

/**
 * Finds each queue on disk, and how to ask it: the daemon that holds it, or, where none does, the files.
 * @param more options of this command that its queues are to hear of
 * @returns the exit code where there is nothing to ask; why is told
 */
export async function askLetters<Name extends keyof Asked>(
  name: Name,
  { directory, id, reason, group, since }: LetterValues,
  host: CommandHost,
  more: object = {},
): Promise<Answers<Asked[Name]> | ExitCode> {
  const { letterQuerySchema, replayQuerySchema } = await import('../dead-letters/letter-query.ts')
  const schema = name === 'replay' ? replayQuerySchema : letterQuerySchema
  const query = await checked(schema, { id, reason, group, since, ...more }, host)
  if (query === undefined) return 2
  const { findQueues } = await import('./find-queues.ts')
  const found = await findQueues(directory, host)
  return typeof found === 'number' ? found : ask(name, query, found, host)
}

async function ask<Name extends keyof Asked>(
  name: Name,
  query: object,
  { directories, complete }: Found,
  { err }: Output,
): Promise<Answers<Asked[Name]>> {
  const { askQueue } = await import('./ask-queue.ts')
  const { explain } = await import('./explain.ts')
  let failed = !complete
  async function* told(directory: string): AsyncGenerator<Asked[Name]> {
    try {
      yield* askQueue(directory, name, query, err)
    } catch (error) {
      err(`${explain(directory, error)}\n`)
      failed = true
    }
  }
  return { queues: directories.map(told), exitCode: () => (failed ? 1 : 0) }
}

/** @returns undefined for bad values, which are told */
async function checked<Query>(schema: z.ZodType<Query>, values: object, { err }: Output): Promise<Query | undefined> {
  const { checkQuery } = await import('../dead-letters/letter-query.ts')
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
  const result = checkQuery(schema, given)
  if ('query' in result) return result.query
  for (const { key, message } of result.problems) err(`--${key}: ${message}\n`)
  return undefined
}
