import type { Component } from '../component/component.ts'
import type { Siblings } from '../component/siblings.ts'
import type { Ledger } from '../accounting/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Family } from '../telemetry/registry.ts'

/** The part of a daemon that this process is. */
export type Mode =
  /** All of it. */
  | { readonly kind: 'single' }
  /** What exists once for all workers: some extensions, the metrics server, the lines at start and end. */
  | { readonly kind: 'parent'; readonly workers: (logger: Logger) => PipelineWorkers }
  /** The pipelines, with a share of the byte budget. The parent does what exists once. */
  | { readonly kind: 'worker'; readonly siblings: Siblings }

/** The processes that have the pipelines. They start when all else of the parent runs, and stop before it. */
export interface PipelineWorkers extends Component {
  /** The metrics and reports of each worker. A worker that does not answer in time gives its last known ones. */
  read(): Promise<{ readonly families: (readonly Family[])[]; readonly reports: readonly unknown[] }>
  /** The reason why a worker takes no records now. */
  readonly obstacle: string | undefined
  /** By exporter; of workers that have ended in order. */
  readonly ledgers: ReadonlyMap<string, Ledger>
}
