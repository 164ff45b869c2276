import type { Component } from '../../../src/component/component.ts'
import type { LogsConsumer, LogsExporter } from '../../../src/component/consumer.ts'
import type { ExporterSettings, PipelineShape } from '../../../src/component/factory.ts'
import { parseComponentId } from '../../../src/component/id.ts'
import type { Configured, DaemonConfig, PipelineConfig } from '../../../src/config/daemon-config.ts'
import { serviceTelemetrySchema } from '../../../src/config/schema/service-telemetry.ts'
import { z } from 'zod'

type CreateReceiver = (next: LogsConsumer) => Component
type CreateExporter = (settings: ExporterSettings<unknown>) => Component & LogsExporter
type CreateExtension = () => Component

/** A config as the reader hands it on, of components that a test makes. */
export interface TestConfig {
  readonly receivers?: Readonly<Record<string, CreateReceiver>>
  readonly processors?: Readonly<Record<string, PipelineShape>>
  readonly exporters?: Readonly<Record<string, CreateExporter>>
  readonly extensions?: Readonly<Record<string, CreateExtension>>
  readonly pipelines?: Readonly<Record<string, Partial<PipelineConfig>>>
  /** YAML of `service.telemetry`. */
  readonly telemetry?: object
  readonly shutdownTimeoutMs?: number
  readonly notes?: readonly string[]
}

export function daemonConfig(test: TestConfig): DaemonConfig {
  const factory = { stability: 'development', description: '', config: z.unknown() } as const
  return {
    receivers: configured(test.receivers, (create) => ({
      ...factory,
      kind: 'receiver',
      type: 'test',
      create: (_, next) => create(next),
    })),
    processors: configured(test.processors, (shape) => ({
      ...factory,
      kind: 'processor',
      type: 'test',
      shape: () => shape,
    })),
    exporters: configured(test.exporters, (create) => ({ ...factory, kind: 'exporter', type: 'test', create })),
    extensions: configured(test.extensions, (create) => ({ ...factory, kind: 'extension', type: 'test', create })),
    service: {
      extensions: Object.keys(test.extensions ?? {}),
      pipelines: new Map(
        Object.entries(test.pipelines ?? {}).map(([name, pipeline]) => [
          name,
          { receivers: [], processors: [], exporters: [], ...pipeline },
        ]),
      ),
      telemetry: serviceTelemetrySchema.parse(test.telemetry ?? { metrics: { level: 'none' } }),
      workers: 1,
      shutdownTimeoutMs: test.shutdownTimeoutMs ?? 25_000,
    },
    notes: test.notes ?? [],
  }
}

function configured<Create, Factory>(
  components: Readonly<Record<string, Create>> | undefined,
  factoryOf: (create: Create) => Factory,
): Map<string, Configured<Factory>> {
  const entries = Object.entries(components ?? {}).map(([text, create]): [string, Configured<Factory>] => {
    const id = parseComponentId(text)
    if (id === undefined) throw new Error(`${text} is not a component id`)
    return [text, { id, factory: factoryOf(create), config: {} }]
  })
  return new Map(entries)
}
