import type { Component } from '../component/component.ts'
import type { Siblings } from '../component/siblings.ts'
import type { Ledger } from '../accounting/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Family } from '../telemetry/registry.ts'

/** The part of a daemon that this process is. */
export type Mode =
  /** All of it. */
  | { readonly kind: 'single' }
  /** The parts that exist once for all workers: some extensions, the metrics server, the first and last log lines. */
  | { readonly kind: 'parent'; readonly workers: (logger: Logger) => PipelineWorkers }
  /** The pipelines, with a share of the byte budget. */
  | { readonly kind: 'worker'; readonly siblings: Siblings }

/** The processes that run the pipelines. They start after everything else in the parent and stop before it. */
export interface PipelineWorkers extends Component {
  /** Returns the metrics and reports of each worker; the last known ones of a worker that does not respond in time. */
  read(): Promise<{ readonly families: (readonly Family[])[]; readonly reports: readonly unknown[] }>
  /** The reason why a worker takes no records now. */
  readonly obstacle: string | undefined
  /** Ledgers of workers that shut down cleanly, by exporter. */
  readonly ledgers: ReadonlyMap<string, Ledger>
}
