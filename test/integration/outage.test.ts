// A small daemon under a flood of one-record requests while CloudWatch is down. That of the chart's pod, on disk, with kills
// and dead letters: full/outage.test.ts.
import { test } from 'vitest'
import { outage } from './outage-run.ts'
import type { OutageOptions } from './outage-setup.ts'

/** MiB: so small that a few seconds fill it, in the proportions of the chart's pod. */
const SMALL = { heapMib: 44, budgetMib: 16, refusedMs: 1_000, offeredTimes: 1.3 }
const print = (line: string) => void process.stderr.write(`${line}\n`)

test.each<readonly [name: string, options: Pick<OutageOptions, 'streams' | 'fault'>]>([
  ['1 stream', { streams: 1 }],
  ['900 streams, 503', { streams: 900, fault: '503' }],
])(
  'CloudWatch down under one-record requests: the daemon lives, senders wait, what it acknowledged is delivered (%s)',
  { timeout: 300_000 },
  async (name, options) => {
    await outage(`memory, ${name}`, { ...SMALL, ...options }, print)
  },
)
