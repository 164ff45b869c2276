import { getHeapStatistics } from 'node:v8'
import type { BuildInfo } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { sum, type Ledger } from '../accounting/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import { heapNote, mebibytes, type SizedBudget } from './memory/memory.ts'
import type { Shapes } from './shapes.ts'

/** Logs the start for operators: version, pipelines, memory, and notes on the config. */
export function announceStart(
  logger: Logger,
  config: DaemonConfig,
  build: BuildInfo,
  memory: { readonly limit: number; readonly sized: SizedBudget },
  shapes: Shapes,
): void {
  logger.info(`${build.name} ${build.version}`, { node: process.version, pid: process.pid })
  for (const [name, { receivers, processors, exporters }] of config.service.pipelines) {
    const stages = [receivers.join(', '), ...processors, exporters.join(', ')]
    logger.info(`pipeline ${name}: ${stages.join(' -> ')}`)
  }
  logger.info(`buffers hold at most ${mebibytes(memory.sized.bytes)}; the memory limit is ${mebibytes(memory.limit)}`)
  const heap = heapNote(memory.limit, getHeapStatistics().heap_size_limit, config.service.workers)
  for (const note of [memory.sized.note, heap]) if (note !== undefined) logger.warn(note)
  const ofProcessors = [...shapes.processors.values()].flatMap(({ notes = [] }) => notes)
  // Two processors of one type have the same notes.
  for (const note of new Set([...config.notes, ...shapes.notes, ...ofProcessors])) logger.info(note)
}

/** Logs the last line: the record counts by outcome of each exporter that has a ledger. */
export function announceEnd(logger: Logger, ledgers: ReadonlyMap<string, Ledger>): void {
  const records: Record<string, Record<string, number>> = {}
  let bad = false
  for (const [exporter, ledger] of ledgers) {
    const lost = sum(ledger.lost)
    const unaccounted = ledger.difference()
    records[exporter] = {
      received: ledger.received,
      delivered: ledger.delivered,
      lost,
      ...nonZero({
        queued: ledger.queued,
        filtered: sum(ledger.filtered),
        rejected: sum(ledger.rejected),
        dead_lettered: ledger.deadLettered,
        unaccounted,
        ...byReason('lost', ledger.lost),
        ...byReason('filtered', ledger.filtered),
        ...byReason('rejected', ledger.rejected),
      }),
    }
    bad ||= lost > 0 || unaccounted !== 0
  }
  if (bad) logger.error('stopped with lost records', { records })
  else logger.info('stopped', { records })
}

/** Keys as in the READMEs: `lost(shutdown)`. */
function byReason(state: string, counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([reason, count]) => [`${state}(${reason})`, count]))
}

function nonZero(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}
