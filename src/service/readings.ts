import { ledgerReport, type Ledger, type LedgerSnapshot } from '../accounting/ledger.ts'
import { mergeReports } from '../accounting/merge-reports.ts'
import { mergeFamilies } from '../telemetry/merge-families.ts'
import { type Family, type Registry, renderFamilies } from '../telemetry/registry.ts'
import type { Graph } from './graph.ts'
import type { Readings } from './metrics-server.ts'
import type { PipelineWorkers } from './mode.ts'

/** The readings of one process. */
export interface OwnReadings {
  families(): Family[]
  report(): Report
  counts(): LedgerCounts
  obstacle(): string | undefined
}

export interface Report {
  readonly exporters: Readonly<Record<string, unknown>>
}

/** By exporter. */
export type LedgerCounts = Readonly<Record<string, ExporterCounts>>

export interface ExporterCounts extends LedgerSnapshot {
  readonly queued: number
  /** They are kept with a queue on disk, and another process continues them. */
  readonly outlives: boolean
}

/** @param workers in a parent */
export function readGraph(graph: Graph, metrics: Registry, workers: PipelineWorkers | undefined): OwnReadings {
  return {
    families: () => metrics.collect(),
    report: () => reportOf(graph),
    counts: () => countsOf(graph),
    obstacle: () => obstacleOf(graph) ?? workers?.obstacle,
  }
}

/** Returns the readings of this process and, in a parent, of its workers. */
export function readAll(own: OwnReadings, workers: PipelineWorkers | undefined): Readings {
  if (workers === undefined)
    return { metrics: async () => renderFamilies(own.families()), ledger: async () => own.report() }
  return {
    async metrics() {
      const { families } = await workers.read()
      return renderFamilies(mergeFamilies([own.families(), ...families]))
    },
    async ledger() {
      const { reports } = await workers.read()
      return mergeReports([own.report(), ...reports])
    },
  }
}

export function ledgersOf(graph: Graph): ReadonlyMap<string, Ledger> {
  const ledgers = new Map<string, Ledger>()
  for (const [id, { ledger }] of graph.exporters) if (ledger !== undefined) ledgers.set(id, ledger)
  return ledgers
}

function obstacleOf(graph: Graph): string | undefined {
  for (const [id, exporter] of graph.exporters) {
    const obstacle = exporter.obstacle?.()
    if (obstacle !== undefined) return `${id}: ${obstacle}`
  }
  return undefined
}

/** Returns the report of each exporter, or its ledger where it has no report. */
function reportOf(graph: Graph): Report {
  const exporters = [...graph.exporters].map(([id, exporter]) => [
    id,
    exporter.report?.() ?? ledgerReport(exporter.ledger),
  ])
  return { exporters: Object.fromEntries(exporters) as Record<string, unknown> }
}

function countsOf(graph: Graph): LedgerCounts {
  const ledgers = [...ledgersOf(graph)]
  return Object.fromEntries(
    ledgers.map(([id, ledger]) => {
      const outlives = graph.exporters.get(id)?.ledgerOutlives === true
      return [id, { ...ledger.snapshot(), queued: ledger.queued, outlives }]
    }),
  )
}
