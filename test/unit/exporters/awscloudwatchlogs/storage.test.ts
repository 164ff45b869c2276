import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import type { DiskQueue } from '../../../../src/delivery/queue/disk/disk-queue.ts'
import { configSchema } from '../../../../src/exporters/awscloudwatchlogs/config.ts'
import { directoryOpener } from '../../../../src/exporters/awscloudwatchlogs/storage/open-directory.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { itemBatch } from '../../../fakes/items.ts'

const MIB = 1_048_576

async function open(capacityBytes: number, heapBytes?: number): Promise<{ queue: DiskQueue; budget: ByteBudget }> {
  const path = mkdtempSync(join(tmpdir(), 'storage-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  const budget = new ByteBudget(64 * MIB, heapBytes)
  const directory = { path, capacityBytes, fsync: false, nextLeft: async () => undefined, release: async () => {} }
  const opener = directoryOpener(
    { directory, fatal: (error) => expect.fail(error.message) },
    { config: configSchema.parse({ log_group_name: 'g', log_stream_name: 's' }), budget, logger: silentLogger },
  )
  const queue = opener.queue(path, { counters: () => ({}), restore() {}, lost() {} })
  await queue.recover()
  onTestFinished(() => queue.close())
  return { queue, budget }
}

/** Writes records until one is refused; settles all but every `kept`-th at once. @returns bytes that were taken, and why not more */
async function fill(queue: DiskQueue, recordBytes: number, kept: number, most: number) {
  let taken = 0
  for (let i = 0; i < most; i++) {
    const reserved = queue.reserve([{ lane: 'l', items: itemBatch([{ text: 'x'.repeat(recordBytes) }]) }])
    if (reserved.kind === 'retry') return { taken, message: reserved.message }
    await new Promise<void>((resolve) =>
      reserved.commit((stored) => {
        if ('kind' in stored) throw new Error(stored.message)
        const [batch] = stored
        if (batch !== undefined && i % kept !== 0) queue.settle(batch, 0, 1)
        resolve()
      }),
    )
    taken += recordBytes
  }
  return { taken, message: '' }
}

test.each([4, 16])(
  'a bound of %d MiB takes nearly what it says, also while some records wait for long',
  async (mib) => {
    const { queue } = await open(mib * MIB)
    const { taken } = await fill(queue, 20_000, 1, 10_000)
    expect(taken).toBeGreaterThan(0.8 * mib * MIB)
  },
)

test('a small bound gives back the room of what is settled', async () => {
  const { queue } = await open(4 * MIB)
  // Five times the bound goes through, while one record waits at the start.
  const { taken } = await fill(queue, 20_000, 100_000, 1_000)
  expect(taken).toBe(20_000_000)
})

test('a queue on disk takes no more records than there is heap to keep their places, and gives it back', async () => {
  const { queue, budget } = await open(64 * MIB, 50_000)
  const { taken, message } = await fill(queue, 100, 1, 1_000)
  expect([taken, message]).toEqual([
    5_000,
    'the heap for bookkeeping is full (50000 of 50000 bytes); the records were not taken',
  ])
  expect(budget.heapUsed).toBe(50_000)
})
