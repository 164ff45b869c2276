import type {
  AnyExporterFactory,
  AnyExtensionFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from '../component/factory.ts'
import type { ComponentId } from '../component/id.ts'
import type { ServiceTelemetry } from './schema/service-telemetry.ts'

/**
 * A config that was read, merged, expanded and fully checked, as input for `service`. Parsed and validated configs have
 * different types, so that an unchecked config cannot run.
 */
export interface DaemonConfig {
  /** By id as written, in the order written. Only what a pipeline or `service.extensions` uses. */
  readonly receivers: ReadonlyMap<string, Configured<AnyReceiverFactory>>
  readonly processors: ReadonlyMap<string, Configured<AnyProcessorFactory>>
  readonly exporters: ReadonlyMap<string, Configured<AnyExporterFactory>>
  readonly extensions: ReadonlyMap<string, Configured<AnyExtensionFactory>>
  readonly service: {
    /** Extension ids in start order. */
    readonly extensions: readonly string[]
    /** By name (`logs`, `logs/edge`). */
    readonly pipelines: ReadonlyMap<string, PipelineConfig>
    readonly telemetry: ServiceTelemetry
    /** Number of processes. */
    readonly workers: number
    readonly shutdownTimeoutMs: number
  }
  /** Notes to log at start, one sentence each: keys without effect, unused components. */
  readonly notes: readonly string[]
}

export interface Configured<Factory> {
  readonly id: ComponentId
  readonly factory: Factory
  /** The output of the factory's own schema. */
  readonly config: unknown
}

export interface PipelineConfig {
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
}
