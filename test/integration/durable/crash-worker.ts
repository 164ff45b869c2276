// A process with a queue on disk of small segments, made to be killed. Says a line for each thing it may be held to:
//   F text      found when it started          S text      stored, as its sender is answered
//   A text      settled                        L items     missed when it started
//   ready
// Arguments: folder, number of batches to put, what their texts begin with. Settles nine of ten, so that segments are left
// sparse. Then it dies by itself; at once, or where the environment says. With nothing to put it closes the queue instead.
import { ByteBudget } from '../../../src/component/byte-budget.ts'
import { DiskQueue } from '../../../src/delivery/queue/disk/disk-queue.ts'
import type { QueuedBatch } from '../../../src/delivery/contract/queue.ts'
import { silentLogger } from '../../../src/telemetry/logger.ts'
import { itemBatch, itemTexts } from '../../fakes/items.ts'

const [directory = '', puts = '0', name = ''] = process.argv.slice(2)
const PADDING = 'x'.repeat(500)
const KEPT_EACH = 10

const print = (line: string) => process.stdout.write(`${line}\n`)
const owner = {
  counters: () => ({}),
  restore() {},
  lost(items: number) {
    print(`L ${items}`)
  },
  fatal(error: Error) {
    throw error
  },
}
const options = {
  directory,
  capacityBytes: 64 * 1_048_576,
  segmentBytes: 16_384,
  memoryBytes: 65_536,
  fsync: true,
  bound: undefined,
  compactBytes: 256,
  settledForMs: 100,
}
const queue = new DiskQueue(options, owner, new ByteBudget(64 * 1_048_576), silentLogger)

const load = (batch: QueuedBatch) =>
  new Promise<string>((resolve) =>
    queue.load(batch, () => resolve(batch.items === undefined ? '' : (itemTexts(batch.items)[0] ?? ''))),
  )
for (const { batch } of await queue.recover()) {
  print(`F ${(await load(batch)).replace(PADDING, '')}`)
}
print('ready')

function put(text: string): Promise<QueuedBatch> {
  const reserved = queue.reserve([{ lane: 'lane', items: itemBatch([{ text: text + PADDING }]) }])
  if (reserved.kind === 'retry') throw new Error(reserved.message)
  return new Promise((resolve, reject) => {
    reserved.commit((stored) => {
      const batch = 'kind' in stored ? undefined : stored[0]
      if (batch === undefined) return reject(new Error('not stored'))
      print(`S ${text}`)
      resolve(batch)
    })
  })
}

for (let round = 0; round < Number(puts); round += KEPT_EACH) {
  const batches = await Promise.all(Array.from({ length: KEPT_EACH }, (_, at) => put(`${name}${round + at}`)))
  for (const [at, batch] of batches.entries()) {
    if (at === 0) continue
    queue.settle(batch, 0, 1)
    print(`A ${name}${round + at}`)
  }
}
if (Number(puts) === 0) await queue.close()
else if (process.env['OTLP_CLOUDWATCH_CRASH_AT'] === undefined) process.kill(process.pid, 'SIGKILL')
