// Queues on disk in folders of their own, and what is found in them again.
//
//   const folder = await newFolder()
//   const open = await openQueue(folder)
//   const batch = await open.put('lane', ['first', 'second'])
//   await copyOf(folder)                         what a process that is killed now leaves
//   open.settle(batch)
//   await open.queue.close()
//   await (await openQueue(folder)).texts()      what waits: [['lane', 'first', 'second'], …]
import { cp } from 'node:fs/promises'
import { onTestFinished } from 'vitest'
import { ByteBudget } from '../../../../../src/component/byte-budget.ts'
import type { Retry } from '../../../../../src/accounting/outcome.ts'
import { DiskQueue, type DiskQueueOptions } from '../../../../../src/delivery/queue/disk/disk-queue.ts'
import { DiskBatch } from '../../../../../src/delivery/queue/disk/segments/disk-batch.ts'
import { type Files, nodeFiles, type OpenFile } from '../../../../../src/delivery/queue/disk/files/files.ts'
import type { QueuedBatch, QueueReservation, RecoveredBatch } from '../../../../../src/delivery/contract/queue.ts'
import { itemBatch, itemTexts } from '../../../../fakes/items.ts'
import { listeningLogger, type LogLine } from '../../../../fakes/logger.ts'
import { temporaryFolder } from '../../../../fakes/temporary-folder.ts'

export async function newFolder(): Promise<string> {
  const folder = await temporaryFolder()
  return folder
}

/** A file system of which some calls do something else. */
export function filesWith(
  changes: Partial<Files>,
  file?: (opened: OpenFile, path: string) => Partial<OpenFile>,
): Files {
  if (file === undefined) return { ...nodeFiles, ...changes }
  const open: Files['open'] = async (path, flags) => {
    const opened = await nodeFiles.open(path, flags)
    const same: OpenFile = {
      write: (parts, position) => opened.write(parts, position),
      read: (position, length) => opened.read(position, length),
      sync: () => opened.sync(),
      truncate: (bytes) => opened.truncate(bytes),
      size: () => opened.size(),
      close: () => opened.close(),
    }
    return { ...same, ...file(opened, path) }
  }
  return { ...nodeFiles, open, ...changes }
}

/** For thousands of queues: no test cuts the power. */
export const withoutSync = filesWith({ syncDirectory: async () => {} }, () => ({ sync: async () => {} }))

/** What a process that was killed at this moment leaves. */
export async function copyOf(folder: string): Promise<string> {
  const copy = await newFolder()
  await cp(folder, copy, { recursive: true })
  return copy
}

export class OpenQueue {
  readonly queue: DiskQueue
  readonly budget: ByteBudget
  readonly logged: LogLine[] = []
  readonly fatal: Error[] = []
  recovered: readonly RecoveredBatch[] = []
  counters: Record<string, unknown> = {}
  restored: unknown
  /** Items that `recover` reported as lost. */
  lost = 0

  constructor(directory: string, options: Partial<DiskQueueOptions>, budgetBytes: number, heapBytes?: number) {
    this.budget = new ByteBudget(budgetBytes, heapBytes)
    const owner = {
      counters: () => this.counters,
      restore: (counters: unknown) => {
        this.restored = counters
      },
      lost: (items: number) => {
        this.lost += items
      },
      fatal: (error: Error) => void this.fatal.push(error),
    }
    const all: DiskQueueOptions = {
      directory,
      capacityBytes: 64 * 1_048_576,
      segmentBytes: 4_096,
      memoryBytes: 1_048_576,
      fsync: true,
      bound: undefined,
      ...options,
    }
    const logger = listeningLogger((line) => this.logged.push(line))
    this.queue = new DiskQueue(all, owner, this.budget, logger)
  }

  /** Recovered batches as lane and texts, in their order; those that are lost left out. */
  async texts(): Promise<string[][]> {
    const found: string[][] = []
    for (const { lane, batch, settled } of this.recovered) {
      const texts = await this.load(batch)
      if (texts === undefined) continue
      const left = texts.filter((_, item) => !settled.some(([from, to]) => item >= from && item < to))
      found.push([lane, ...left])
    }
    return found
  }

  /** Undefined for what cannot be read any more. */
  load(batch: QueuedBatch): Promise<string[] | undefined> {
    return new Promise((resolve) =>
      this.queue.load(batch, () => resolve(batch.items === undefined ? undefined : itemTexts(batch.items))),
    )
  }

  reserve(lane: string, texts: readonly string[]): QueueReservation | Retry {
    return this.queue.reserve([{ lane, items: itemBatch(texts.map((text) => ({ text }))) }])
  }

  /** @throws Error with the cause, if it is not stored */
  async put(lane: string, texts: readonly string[]): Promise<DiskBatch> {
    const reserved = this.reserve(lane, texts)
    if (reserved.kind === 'retry') throw new Error(reserved.cause)
    return new Promise((resolve, reject) => {
      reserved.commit((stored) => {
        if ('kind' in stored) return reject(new Error(stored.cause))
        const [batch] = stored
        if (batch instanceof DiskBatch) resolve(batch)
        else reject(new Error('nothing was stored'))
      })
    })
  }

  settle(batch: QueuedBatch): void {
    this.queue.settle(batch, 0, batch.unsettled)
  }

  /** Log lines with this text. */
  linesWith(text: string): LogLine[] {
    return this.logged.filter(({ message }) => message.includes(text))
  }
}

/** A queue of small segments, with what an earlier one left in the folder. */
export async function openQueue(
  directory: string,
  options: Partial<DiskQueueOptions> = {},
  budgetBytes = 64 * 1_048_576,
): Promise<OpenQueue> {
  const open = new OpenQueue(directory, options, budgetBytes)
  onTestFinished(() => open.queue.close())
  open.recovered = await open.queue.recover()
  return open
}
