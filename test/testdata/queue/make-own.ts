// Makes a directory with gap markers as a killed process leaves it. Run it in a checkout of commit f9f7b26, whose delivery
// marked the lane of such records itself:
//   node test/testdata/queue/make-own.ts v1-own
// Its content is in test/unit/delivery/queue/disk/stored-versions.test.ts.
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ByteBudget } from '../../../src/component/byte-budget.ts'
import { DiskQueue } from '../../../src/delivery/queue/disk/disk-queue.ts'
import type { QueuedBatch } from '../../../src/delivery/contract/queue.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { itemBatch } from '../../fakes/items.ts'

const MARK = '\u0001'
const [version = 'v1-own'] = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'queue-'))
const owner = { counters: () => ({}), restore() {}, lost() {}, fatal() {} }
const options = {
  directory,
  capacityBytes: 1_048_576,
  segmentBytes: 2_048,
  memoryBytes: 1_048_576,
  fsync: true,
  bound: undefined,
}
const queue = new DiskQueue(options, owner, new ByteBudget(1_048_576), silentLogger)
await queue.recover()

function put(lane: string, text: string): Promise<QueuedBatch> {
  const items = itemBatch([{ text, time: 1_000, counted: text.length + 26 }])
  const reserved = queue.reserve([{ lane, items }])
  if (reserved.kind === 'retry') throw new Error(reserved.message)
  return new Promise((resolve) => reserved.commit((stored) => resolve((stored as QueuedBatch[])[0] as QueuedBatch)))
}

await put('group:stream', 'a record')
await put(`${MARK}group:stream`, 'a gap marker in a sealed segment')
await put('group:full', 'x'.repeat(2_000))
await put(`${MARK}group:stream`, 'a gap marker in the last segment')
await queue.flush()
mkdirSync(join(import.meta.dirname, version))
cpSync(directory, join(import.meta.dirname, version), { recursive: true })
process.exit()
