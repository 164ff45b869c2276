import type { ByteBudget } from '../component/byte-budget.ts'
import { ComponentError, type BuildInfo, type Component, type ComponentSettings } from '../component/component.ts'
import type { LogsConsumer, LogsExporter } from '../component/consumer.ts'
import type { PipelineShape } from '../component/factory.ts'
import type { Siblings } from '../component/siblings.ts'
import type { Configured, DaemonConfig } from '../config/daemon-config.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { describeError } from '../telemetry/describe-error.ts'
import { FanOut } from './consumers/fan-out.ts'
import { OneExporter } from './consumers/one-exporter.ts'

/** The components of a config, wired and not started, by id in the order of the config. */
export interface Graph {
  readonly extensions: ReadonlyMap<string, Component>
  readonly exporters: ReadonlyMap<string, Component & LogsExporter>
  readonly receivers: ReadonlyMap<string, Component>
}

export interface GraphSettings {
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  readonly budget: ByteBudget
  readonly build: BuildInfo
  /** By exporter id. */
  readonly shapes: ReadonlyMap<string, PipelineShape>
  readonly siblings: Siblings
}

/** @throws ComponentError naming the component that cannot be built from its config */
export function buildGraph(config: DaemonConfig, settings: GraphSettings): Graph {
  const { logger, metrics, budget, build, shapes, siblings } = settings
  const settingsOf = (id: string, configured: Configured<unknown>): ComponentSettings<unknown> => ({
    id: configured.id,
    config: configured.config,
    logger: logger.child({ component: id }),
    metrics,
    budget,
    build,
    siblings,
  })

  const extensions = new Map<string, Component>()
  for (const id of config.service.extensions) {
    const configured = known(config.extensions, 'extension', id)
    extensions.set(
      id,
      named('extension', id, () => configured.factory.create(settingsOf(id, configured))),
    )
  }
  // Exporters before receivers: a receiver is created with its next consumer.
  const exporters = new Map<string, Component & LogsExporter>()
  for (const [id, configured] of config.exporters) {
    const exporterSettings = { ...settingsOf(id, configured), shape: shapes.get(id) ?? {} }
    exporters.set(
      id,
      named('exporter', id, () => configured.factory.create(exporterSettings)),
    )
  }
  const receivers = new Map<string, Component>()
  for (const [id, configured] of config.receivers) {
    const next = consumerOf(id, config, exporters)
    receivers.set(
      id,
      named('receiver', id, () => configured.factory.create(settingsOf(id, configured), next)),
    )
  }
  return { extensions, exporters, receivers }
}

/**
 * Returns a consumer for all exporters of all pipelines of a receiver. Processors shape lanes and change no record, so the
 * receiver calls exporters directly. An exporter in two of the pipelines gets the records twice, as in the collector.
 */
function consumerOf(
  receiver: string,
  config: DaemonConfig,
  exporters: ReadonlyMap<string, Component & LogsExporter>,
): LogsConsumer {
  const ends = [...config.service.pipelines.values()]
    .filter((pipeline) => pipeline.receivers.includes(receiver))
    .flatMap((pipeline) => pipeline.exporters)
    .map((id) => ({ id, exporter: known(exporters, 'exporter', id) }))
  const [first, ...others] = ends
  return first !== undefined && others.length === 0 ? new OneExporter(first.exporter) : new FanOut(ends)
}

function known<T>(components: ReadonlyMap<string, T>, kind: string, id: string): T {
  const component = components.get(id)
  // The config was checked, so this is a bug in the checker.
  if (component === undefined) throw new ComponentError(`${kind} ${id} is used but not configured`)
  return component
}

function named<T>(kind: string, id: string, create: () => T): T {
  try {
    return create()
  } catch (cause) {
    throw new ComponentError(`${kind} ${id}: ${describeError(cause)}`, { cause })
  }
}
