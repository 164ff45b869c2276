// Makes the directory of the format version of today, as a process that was killed leaves it:
//   node test/testdata/queue/make.ts v1
// test/unit/delivery/queue/disk/stored-versions.test.ts lists its content. Made once for a version, and never again.
import { cpSync, mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ByteBudget } from '../../../src/component/byte-budget.ts'
import { DiskQueue } from '../../../src/delivery/queue/disk/disk-queue.ts'
import type { QueuedBatch } from '../../../src/delivery/contract/queue.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { itemBatch } from '../../fakes/items.ts'

const [version = 'v1'] = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'queue-'))
const owner = { counters: () => ({ delivered: 4, lost: { shutdown: 1 } }), restore() {}, lost() {}, fatal() {} }
const options = {
  directory,
  capacityBytes: 1_048_576,
  segmentBytes: 4_096,
  memoryBytes: 1_048_576,
  fsync: true,
  bound: undefined,
  settledForMs: 0,
}
const queue = new DiskQueue(options, owner, new ByteBudget(1_048_576), silentLogger)
await queue.recover()

function put(lane: string, kind: 1 | 2, ...texts: string[]): Promise<QueuedBatch> {
  const items = itemBatch(texts.map((text, at) => ({ text, time: 1_000 + at, counted: text.length + 26 })))
  const reserved = queue.reserve([{ lane, items: { ...items, kind } }])
  if (reserved.kind === 'retry') throw new Error(reserved.message)
  return new Promise((resolve) => reserved.commit((stored) => resolve((stored as QueuedBatch[])[0] as QueuedBatch)))
}

await put('group:first', 1, 'one', 'zwölf 🦊', '')
const whole = await put('group:first', 1, 'done, all of it'.repeat(300))
const part = await put('group:second', 1, 'a', 'b', 'c', 'd', 'e')
queue.settle(whole, 0, 1)
queue.settle(part, 1, 2)
queue.settle(part, 3, 5)
// What is left of the first segment is moved behind this, which fills the second; so that is sealed, and the third is not.
await put('group:records', 2, 'x'.repeat(4_000))
await new Promise((resolve) => setTimeout(resolve, 2_500))
await put('group:last', 1, 'the end')
await queue.flush()
mkdirSync(join(import.meta.dirname, version))
cpSync(directory, join(import.meta.dirname, version), { recursive: true })
process.exit()
