// V8 collects garbage as it allocates, so a process that falls quiet keeps what it held when it was busy: 200 MB where 120
// would do, on every node, all night. One collection then, of some 50 ms, gives it back to the system.
//
//   busy │▇▇▇▇▇▇▇▅▁▁▁▁▁▁▁▁│
//                   ▲ quiet for a whole interval, after a busy one: collect, once

import { performance } from 'node:perf_hooks'
import type { Logger } from '../../telemetry/logger.ts'

const INTERVAL_MS = 15_000
/** Of the event loop's time. Between the two nothing is decided. */
const BUSY = 0.05
const QUIET = 0.02

/** @returns stops it; by itself it keeps no process alive */
export function collectWhenQuiet(logger: Logger, intervalMs: number = INTERVAL_MS): () => void {
  let last = performance.eventLoopUtilization()
  // Whatever a start leaves is worth one, too.
  let wasBusy = true
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    if (utilization >= BUSY) wasBusy = true
    if (!wasBusy || utilization > QUIET) return
    wasBusy = false
    collect().catch((error: unknown) => logger.debug('memory could not be given back', { error }))
  }, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** By the inspector's protocol, without a flag of Node's; loaded when it is wanted. */
async function collect(): Promise<void> {
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.collectGarbage')
  session.disconnect()
}
