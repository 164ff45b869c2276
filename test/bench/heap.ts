// Bytes of heap that a record takes on its way from the buffer of its request to the body of its put.
//   node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256 test/bench/heap.ts
//
// allocated: what becomes garbage; the young generation is that large so that little of it is collected in between.
// left:      what a million records leave behind.

import { setImmediate as turn } from 'node:timers/promises'
import { ByteBudget } from '../../src/component/byte-budget.ts'
import { Delivery } from '../../src/delivery/delivery.ts'
import { MemoryQueue } from '../../src/delivery/queue/memory-queue.ts'
import type { Pack } from '../../src/delivery/contract/pack.ts'
import type { PutOutcome } from '../../src/delivery/contract/sender.ts'
import { Ledgers } from '../../src/exporters/awscloudwatchlogs/accounting/ledgers.ts'
import { BodyPool } from '../../src/exporters/awscloudwatchlogs/put/body.ts'
import { configSchema } from '../../src/exporters/awscloudwatchlogs/config.ts'
import { MAX_AGE_MS } from '../../src/exporters/awscloudwatchlogs/limits.ts'
import { resolve } from '../../src/exporters/awscloudwatchlogs/settings/resolve.ts'
import type { Destination } from '../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { exampleRequest } from './load/requests.ts'
import { round } from './report/statistics.ts'
import { makeTranscoder } from './transcoder.ts'

const RECORDS = 512
const REQUESTS = Math.ceil(1e6 / RECORDS)
const WARM_UP = 400
const NONE_REJECTED = { kind: 'accepted', rejected: [] } as const
const SILENT = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT }
const LISTENER = { settled() {} }

const collect = globalThis.gc
if (collect === undefined) throw new Error('run it with --expose-gc, as its first lines say')

const config = configSchema.parse({ log_group_name: 'g', log_stream_name: 's', max_puts_per_second: 1e6 })
const { lanes } = resolve(config, 1, {})
const bodies = new BodyPool(lanes.maxConcurrentPuts)
const ledgers = new Ledgers(undefined)
const transcoder = makeTranscoder(false)
const bytes = exampleRequest(RECORDS)
let collections = 0
const delivery = new Delivery<Destination>(
  { ...lanes, policy: { ...lanes.policy, oldestTimeMs: (nowMs) => nowMs - MAX_AGE_MS } },
  new MemoryQueue(new ByteBudget(2 ** 30)),
  { scopes: () => [], put, prepare: async () => ({ kind: 'ready' }), hasten() {} },
  ledgers,
  SILENT,
)

await allocatedBy(send, WARM_UP) // compiled, and every buffer grown
const nothing = await allocatedBy(() => {}, WARM_UP)
collect()
const before = process.memoryUsage().heapUsed
const allocated = (await allocatedBy(send, REQUESTS)) - nothing
await delivery.flush(AbortSignal.timeout(10_000))
collect()
const left = process.memoryUsage().heapUsed - before
await delivery.shutdown(AbortSignal.timeout(1_000), false)
if (ledgers.ledger.delivered !== ledgers.ledger.received) throw new Error('not every record was delivered')
process.stdout.write(
  `allocated ${round(allocated / RECORDS, 1)} bytes a record, left ${round(left / (REQUESTS * RECORDS), 2)} ` +
    `(${REQUESTS * RECORDS} records, ${collections} collections)\n`,
)

/** Bytes a call allocates with everything that follows from it, on average over those without a collection. */
async function allocatedBy(call: () => void, times: number): Promise<number> {
  let bytes = 0
  let counted = 0
  for (let i = 0; i < times; i++) {
    const start = process.memoryUsage().heapUsed
    call()
    await turn()
    const grown = process.memoryUsage().heapUsed - start
    if (grown < 0) collections++
    else {
      bytes += grown
      counted++
    }
  }
  return bytes / counted
}

function send(): void {
  const transcoded = transcoder.transcode(bytes, Date.now())
  const reserved = delivery.reserve(transcoded.routed, 'reject')
  if (reserved.kind !== 'reserved') throw new Error(reserved.message)
  reserved.commit(() => ledgers.admit(transcoded, reserved.overShare), LISTENER)
}

/** Makes the body and gives it back, when it is a task's turn, as an answer's is. */
async function put(destination: Destination, pack: Pack): Promise<PutOutcome> {
  const body = bodies.build(destination, pack, undefined, undefined)
  await turn()
  bodies.giveBack(body)
  return NONE_REJECTED
}
