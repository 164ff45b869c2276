// CloudWatch down under a flood of one-record requests. Prints the figures of each outage.
//
// Some run with half of the heap, and most with less room than the chart's pod has, in which a flood would have to last for
// minutes: what counts is how many records wait for each MiB of heap. All of them with the pod's heap and memory:
//   node test/full/outage/outage.ts --minutes 10
import { describe, test } from 'vitest'
import { outage } from '../../integration/outage/outage-run.ts'
import type { OutageOptions } from '../../integration/outage/outage-setup.ts'

const print = (line: string) => void process.stderr.write(`${line}\n`)
const MINUTES = Number(process.env['OUTAGE_MINUTES'] ?? 0)
const TIMEOUT = { timeout: 900_000 + MINUTES * 180_000 }

type Scenario = Omit<OutageOptions, 'refusedMs'>
/** How much of the pod a short outage fills. */
type Size = Pick<OutageOptions, 'heapMib' | 'budgetMib' | 'diskMib' | 'lettersMib' | 'offeredTimes'>

/** Of a long outage: the chart's 1,536 would take an hour to fill with one-record requests. */
const LONG_DISK_MIB = 128
const HALF: Size = { heapMib: 64, budgetMib: 32 }
const HALF_DISK: Size = { heapMib: 64, budgetMib: 102, diskMib: 12 }

function run(name: string, scenario: Scenario, size: Size): Promise<unknown> {
  if (MINUTES === 0) return outage(name, { ...scenario, ...size, refusedMs: 3_000 }, print)
  const disk = size.diskMib === undefined ? {} : { diskMib: LONG_DISK_MIB }
  const long = { refusedMs: 30_000, minimumMs: MINUTES * 60_000, exporter: { retry_on_failure: {} } }
  return outage(name, { ...scenario, ...disk, ...long }, print)
}

const SCENARIOS: readonly (readonly [name: string, scenario: Scenario, size: Size])[] = [
  ['memory, 1 stream', { streams: 1 }, { budgetMib: 102, offeredTimes: 1.5 }],
  ['memory, 900 streams', { streams: 900, fault: '503' }, HALF],
  ['memory, 10,000 streams', { streams: 10_000 }, { budgetMib: 102, offeredTimes: 1.5 }],
  ['memory, 900 streams, calls without an answer', { streams: 900, fault: 'silent' }, HALF],
  ['disk, 1 stream', { streams: 1, fault: '503' }, HALF_DISK],
  ['disk, 900 streams', { streams: 900 }, HALF_DISK],
  ['disk, 10,000 streams', { streams: 10_000 }, { diskMib: 16, offeredTimes: 1.5 }],
  ['disk, 900 streams, killed and started again', { streams: 900, kills: 4 }, HALF_DISK],
]

describe('CloudWatch down under one-record requests', () => {
  test.each(SCENARIOS)('%s', TIMEOUT, (name, scenario, size) => run(name, scenario, size).then(() => {}))
})
