// Shared by `dead-letters list`, `show` and `replay`: their options, and the queues they query.

import type { z } from 'zod'
import type { QueryResults } from './ask-queue.ts'
import type { Found } from './find-queues.ts'
import type { CommandHost, ExitCode, Options, Output, Values } from '../../../component/command.ts'

/** Options of every `dead-letters` command. */
export const LETTER_OPTIONS = {
  directory: {
    type: 'string',
    value: 'DIR',
    description: 'directory of file_storage, instead of the one in the config',
  },
  reason: {
    type: 'string',
    value: 'REASON',
    description: 'only letters with this reason: too_old, poison, expired, …',
  },
  group: { type: 'string', value: 'GROUP', description: 'only letters for this log group' },
  since: {
    type: 'string',
    value: 'TIME',
    description: 'only letters since this time: 2026-11-21T10:00:00Z, 2026-11-21, or ms since the epoch',
  },
  id: { type: 'string', value: 'ID', description: 'only this letter' },
} as const satisfies Options

type LetterValues = Values<typeof LETTER_OPTIONS>

export interface Answers<Piece> {
  /** One per queue. If a queue cannot answer, the reason is printed and the others still answer. */
  readonly queues: readonly AsyncIterable<Piece>[]
  /** 1 once a queue could not answer. */
  exitCode(): 0 | 1
}

/**
 * Queries each queue on disk: through the daemon that holds it, or else in its files.
 * @param more further options of the command that are part of the query
 * @returns Returns the exit code if there is nothing to query; the reason is printed
 */
export async function askLetters<Name extends keyof QueryResults>(
  name: Name,
  { directory, id, reason, group, since }: LetterValues,
  host: CommandHost,
  more: object = {},
): Promise<Answers<QueryResults[Name]> | ExitCode> {
  const { letterQuerySchema, replayQuerySchema } = await import('../dead-letters/letter-query.ts')
  const schema = name === 'replay' ? replayQuerySchema : letterQuerySchema
  const query = await checked(schema, { id, reason, group, since, ...more }, host)
  if (query === undefined) return 2
  const { findQueues } = await import('./find-queues.ts')
  const found = await findQueues(directory, host)
  return typeof found === 'number' ? found : ask(name, query, found, host)
}

async function ask<Name extends keyof QueryResults>(
  name: Name,
  query: object,
  { directories, complete }: Found,
  { err }: Output,
): Promise<Answers<QueryResults[Name]>> {
  const { askQueue } = await import('./ask-queue.ts')
  const { describeDirectoryError } = await import('./directory-error.ts')
  let failed = !complete
  async function* answer(directory: string): AsyncGenerator<QueryResults[Name]> {
    try {
      yield* askQueue(directory, name, query, err)
    } catch (error) {
      err(`${describeDirectoryError(directory, error)}\n`)
      failed = true
    }
  }
  return { queues: directories.map(answer), exitCode: () => (failed ? 1 : 0) }
}

/** @returns Returns undefined for bad values, which are printed */
async function checked<Query>(schema: z.ZodType<Query>, values: object, { err }: Output): Promise<Query | undefined> {
  const { checkQuery } = await import('../dead-letters/letter-query.ts')
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
  const result = checkQuery(schema, given)
  if ('query' in result) return result.query
  for (const { key, message } of result.problems) err(`--${key}: ${message}\n`)
  return undefined
}
