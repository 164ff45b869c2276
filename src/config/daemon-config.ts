import type {
  AnyExporterFactory,
  AnyExtensionFactory,
  AnyProcessorFactory,
  AnyReceiverFactory,
} from '../component/factory.ts'
import type { ComponentId } from '../component/id.ts'
import type { ServiceTelemetry } from './schema/service-telemetry.ts'

/**
 * A config that was read, merged, expanded and checked in full: what `service` builds from. Parsed and validated are
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
    /** Processes. */
    readonly workers: number
    readonly shutdownTimeoutMs: number
  }
  /** What an operator should hear at start, one sentence each: keys without effect, unused components. */
  readonly notes: readonly string[]
}

export interface Configured<Factory> {
  readonly id: ComponentId
  readonly factory: Factory
  /** What the factory's own schema made of the YAML. */
  readonly config: unknown
}

export interface PipelineConfig {
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
}
