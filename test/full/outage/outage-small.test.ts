// A small daemon under a flood of one-record requests while CloudWatch is down. That of the chart's pod, on disk, with kills
// and dead letters: full/outage/outage.test.ts.
import { test } from 'vitest'
import { outage } from '../../integration/outage/outage-run.ts'

/** MiB: so small that a few seconds fill it, in the proportions of the chart's pod. */
const SMALL = { heapMib: 44, budgetMib: 16, refusedMs: 1_000, offeredTimes: 1.3 }
const print = (line: string) => void process.stderr.write(`${line}\n`)

test(
  'CloudWatch down under one-record requests: the daemon lives, senders wait, what it acknowledged is delivered',
  {
    timeout: 300_000,
  },
  async () => {
    await outage('memory, 900 streams, 503', { ...SMALL, streams: 900, fault: '503' }, print)
  },
)
