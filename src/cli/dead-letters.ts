import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  LetterQuery,
  LetterWithEvents,
  Replayed,
  ReplayQuery,
  ShownLetter,
} from '../exporters/awscloudwatchlogs/dead-letter-desk.ts'
import type { Options, Surroundings, Values } from './command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from './load-config.ts'

/** Options of every `dead-letters` command. */
export const LETTER_OPTIONS = {
  ...CONFIG_OPTIONS,
  directory: {
    type: 'string',
    value: 'DIR',
    description: 'the directory of file_storage, instead of what the config says',
  },
  reason: { type: 'string', value: 'REASON', description: 'only letters of this reason: too_old, poison, expired, …' },
  group: { type: 'string', value: 'GROUP', description: 'only letters for this log group' },
  since: { type: 'string', value: 'TIME', description: 'only letters since then, such as 2026-11-21T10:00:00Z' },
  id: { type: 'string', value: 'ID', description: 'only this letter' },
} as const satisfies Options

type LetterValues = Values<typeof LETTER_OPTIONS>

export function queryOf({ id, reason, group, since }: LetterValues): LetterQuery {
  return {
    ...(id === undefined ? {} : { id }),
    ...(reason === undefined ? {} : { reason }),
    ...(group === undefined ? {} : { group }),
    ...(since === undefined ? {} : { since }),
  }
}

export interface Ask {
  readonly list: { readonly query: LetterQuery; readonly answer: readonly ShownLetter[] }
  readonly show: { readonly query: LetterQuery; readonly answer: readonly LetterWithEvents[] }
  readonly replay: { readonly query: ReplayQuery; readonly answer: Replayed }
}

/**
 * Asks each queue on disk: the daemon that holds it, or, where none does, the files.
 * @returns undefined for a mistake of usage or config, which is told
 */
export async function askLetters<Name extends keyof Ask>(
  name: Name,
  query: Ask[Name]['query'],
  values: LetterValues,
  surroundings: Surroundings,
): Promise<Ask[Name]['answer'][] | undefined> {
  const root = values.directory ?? (await directoryInConfig(values, surroundings))
  if (root === undefined) return undefined
  const directories = await queueDirectories(root)
  if (directories.length === 0) {
    surroundings.err(`${root} holds no queue: write the directory of file_storage with --directory\n`)
    return undefined
  }
  const answers: Ask[Name]['answer'][] = []
  for (const directory of directories) {
    const answer = await askOne(directory, name, query)
    if (answer !== undefined) answers.push(answer as Ask[Name]['answer'])
    else
      surroundings.err(
        `${directory} is left out: its holder starts or ends just now, or has taken it over and answers for what it took
`,
      )
  }
  return answers
}

/** @returns undefined if it is held by a process that does not answer */
async function askOne(directory: string, name: keyof Ask, query: ReplayQuery): Promise<unknown> {
  const { askControl } = await import('../listen/control.ts')
  const answered = await askControl(directory, `dead-letters.${name}`, { ...query })
  if (answered !== undefined) return answered.answer
  const [{ lock }, { openStoredLetters }] = await Promise.all([
    import('../extensions/file_storage/lock.ts'),
    import('../exporters/awscloudwatchlogs/stored-letters.ts'),
  ])
  const held = await lock(directory)
  if (held === undefined) return undefined
  try {
    const stored = await openStoredLetters(directory)
    try {
      return await stored.desk[name](query)
    } finally {
      await stored.close()
    }
  } finally {
    await held.release()
  }
}

async function directoryInConfig(values: LetterValues, surroundings: Surroundings): Promise<string | undefined> {
  if (values.config === undefined) {
    surroundings.err('Where is the queue? Write --directory DIR, or --config FILE with a file_storage in it.\n')
    return undefined
  }
  const loaded = await loadConfigFrom(values, surroundings)
  if (loaded === undefined) return undefined
  for (const { id, config } of loaded.config.extensions.values()) {
    if (id.type === 'file_storage') return (config as { readonly directory: string }).directory
  }
  surroundings.err(
    'The config has no file_storage that runs: define it under extensions: and name it in service.extensions.\n',
  )
  return undefined
}

/** `<root>/<exporter>/0000`, … */
async function queueDirectories(root: string): Promise<string[]> {
  const found: string[] = []
  for (const exporter of await readdir(root)) {
    if (!(await stat(join(root, exporter))).isDirectory()) continue
    for (const number of await readdir(join(root, exporter)))
      if (/^\d{4}$/.test(number)) found.push(join(root, exporter, number))
  }
  return found.sort()
}
