// V8 collects garbage as it allocates, so a process that becomes idle keeps the memory of its busy time: 200 MB where 120
// would do, on every node, all night. One collection of about 50 ms returns it to the system.
//
//   busy │▇▇▇▇▇▇▇▅▁▁▁▁▁▁▁▁│
//                   ▲ quiet for a whole interval, after a busy one: collect, once

import { performance } from 'node:perf_hooks'
import type { Logger } from '../../telemetry/logger.ts'

const INTERVAL_MS = 15_000
/** Shares of the event loop's time. Between the two the state does not change. */
const BUSY = 0.05
const QUIET = 0.02

/** @returns a function that stops the timer (unref'd) */
export function collectWhenQuiet(logger: Logger, intervalMs: number = INTERVAL_MS): () => void {
  let last = performance.eventLoopUtilization()
  // Garbage from startup is worth a collection, too.
  let wasBusy = true
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    if (utilization >= BUSY) wasBusy = true
    if (!wasBusy || utilization > QUIET) return
    wasBusy = false
    collect().catch((error: unknown) => logger.debug('garbage collection failed', { error }))
  }, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** Uses the inspector protocol, which needs no Node flag; loaded on first use. */
async function collect(): Promise<void> {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.collectGarbage')
  session.disconnect()
}
