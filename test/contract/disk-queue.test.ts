import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { ByteBudget } from '../../src/component/byte-budget.ts'
import { DiskQueue } from '../../src/delivery/queue/disk/disk-queue.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { queueConformance } from './queue.ts'

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

queueConformance('the queue on disk', async (capacityBytes) => {
  const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-queue-'))
  folders.push(directory)
  const budget = new ByteBudget(capacityBytes * 2)
  const owner = {
    counters: () => ({}),
    restore() {},
    lost() {},
    fatal(error: Error) {
      throw error
    },
  }
  const options = {
    directory,
    capacityBytes,
    segmentBytes: capacityBytes / 16,
    memoryBytes: capacityBytes / 4,
    fsync: true,
    bound: undefined,
  }
  return { queue: new DiskQueue(options, owner, budget, silentLogger), budget }
})
