import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { GROUP_FILE, STREAM_SUFFIX, type DirectoryJournal } from './directory.ts'
import { countedBytes } from '../request/event-batch.ts'
import type { Batch, LogGroup, Store } from '../store/store.ts'

const LINE_FEED = 0x0a

const groupSchema = z.object({
  name: z.string().min(1),
  creationTime: z.int(),
  logGroupClass: z.string(),
  kmsKeyId: z.string().optional(),
  deletionProtectionEnabled: z.boolean(),
  retentionInDays: z.int().optional(),
  tags: z.record(z.string(), z.string()),
})
const headerSchema = z.object({ logStreamName: z.string().min(1), creationTime: z.int() })
const batchSchema = z.object({
  ingestionTime: z.int(),
  firstSequence: z.int().positive(),
  events: z.array(z.object({ timestamp: z.int(), message: z.string() })).min(1),
})

/**
 * Loads the directory of an earlier run into an empty store, or creates the directory.
 * @param onDamage called with a message for each unreadable line or file; the others are loaded
 * @throws the system's error for a directory that cannot be read or created
 */
export async function loadDirectory(
  root: string,
  store: Store,
  journal: DirectoryJournal,
  onDamage: (what: string) => void,
): Promise<void> {
  await mkdir(root, { recursive: true })
  const batches: Batch[] = []
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const directory = join(root, entry.name)
    const group = await loadGroup(join(directory, GROUP_FILE), store, onDamage)
    if (group === undefined) continue
    for (const name of await readdir(directory)) {
      if (name.endsWith(STREAM_SUFFIX))
        await loadStream(join(directory, name), group, store, journal, batches, onDamage)
    }
  }
  batches.sort((a, b) => a.firstSequence - b.firstSequence)
  for (const batch of batches) store.restore(batch)
}

async function loadGroup(path: string, store: Store, onDamage: (what: string) => void): Promise<LogGroup | undefined> {
  const parsed = groupSchema.safeParse(parseJson(await readFile(path, 'utf8').catch(() => '')))
  if (!parsed.success) {
    onDamage(`${path} does not describe a log group; its directory is skipped`)
    return undefined
  }
  const { tags, kmsKeyId, retentionInDays, ...group } = parsed.data
  return store.createGroup({
    ...group,
    tags: new Map(Object.entries(tags)),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    ...(retentionInDays !== undefined && { retentionInDays }),
  })
}

async function loadStream(
  path: string,
  group: LogGroup,
  store: Store,
  journal: DirectoryJournal,
  batches: Batch[],
  onDamage: (what: string) => void,
): Promise<void> {
  let number = 0
  let stream
  let file
  for (const line of linesOf(await readFile(path))) {
    number += 1
    if (stream === undefined || file === undefined) {
      const header = headerSchema.safeParse(parseJson(line))
      if (!header.success) return onDamage(`${path} does not start with a log stream; it is skipped`)
      stream = store.createStream(group, header.data.logStreamName, header.data.creationTime)
      file = journal.adopt(stream)
      continue
    }
    const batch = batchSchema.safeParse(parseJson(line))
    // A crash or a full disk may leave half a line, at the end or in the middle.
    file.torn = !batch.success
    if (!batch.success) {
      onDamage(`${path}:${number} is not a put; it is skipped`)
      continue
    }
    const { bytes } = countedBytes({ logEvents: batch.data.events })
    batches.push({ stream, ...batch.data, bytes })
    file.written += bytes
    file.lastSequence = batch.data.firstSequence
  }
}

/** Splits at line feeds only: `readline` also splits at U+2028, which JSON does not escape. */
function* linesOf(bytes: Buffer): Generator<string> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, start)
    yield bytes.toString('utf8', start, end < 0 ? bytes.length : end)
    start = end < 0 ? bytes.length : end + 1
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // the schema refuses it
  }
}
