import { randomUUID } from 'node:crypto'
import { ByteBudget } from '../component/byte-budget.ts'
import { ComponentError, type BuildInfo, type Host } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { createLogger } from '../telemetry/create-logger.ts'
import { describeError } from '../telemetry/describe-error.ts'
import { accountOf, type Ledger } from '../telemetry/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import { registerProcess } from '../telemetry/process-metrics.ts'
import { Registry } from '../telemetry/registry.ts'
import { announceEnd, announceStart } from './announce.ts'
import { registerBudget } from './budget-metrics.ts'
import { buildGraph, type Graph } from './graph.ts'
import { Lifecycle, nameOf, type Member } from './lifecycle.ts'
import { memoryLimit, sizeBudget } from './memory.ts'
import { metricsAddresses, MetricsServer, type Readings } from './metrics-server.ts'
import { shapesOf } from './shapes.ts'

/** A config that can run, once. */
export interface Daemon {
  /** @throws ComponentError naming the component that could not start; whatever had started is stopped by then */
  start(): Promise<void>
  /**
   * Stops intake, drains and closes within `service.shutdown_timeout`. Never rejects; safe unstarted, during `start` (which
   * then rejects) and twice.
   */
  shutdown(): Promise<void>
  /** Resolves when a running component cannot go on: shut down, and exit with 1. */
  readonly failed: Promise<Error>
}

export interface DaemonOverrides {
  /** Instead of the one that `service.telemetry.logs` describes; its owner flushes it. */
  readonly logger?: Logger
}

/**
 * Wires a config; opens nothing.
 * @throws ComponentError naming the component that cannot be built from its config
 */
export function createDaemon(config: DaemonConfig, build: BuildInfo, overrides: DaemonOverrides = {}): Daemon {
  const ownLogger = createLogger(config.service.telemetry.logs)
  const logger = overrides.logger ?? ownLogger
  const shapes = shapesOf(config)
  const limit = memoryLimit()
  const sized = sizeBudget(limit, [...shapes.processors.values()])
  const budget = new ByteBudget(sized.bytes)
  const metrics = new Registry()
  registerProcess(metrics, {
    service_name: build.name,
    service_version: build.version,
    service_instance_id: randomUUID(),
  })
  registerBudget(metrics, budget)
  const graph = buildGraph(config, { logger, metrics, budget, build, shapes: shapes.exporters })

  const failure = Promise.withResolvers<Error>()
  const hostOf = (member: Member): Host => ({
    extension: (id) => graph.extensions.get(id),
    fatal(cause) {
      const error = new ComponentError(`${nameOf(member)}: ${describeError(cause)}`, { cause })
      member.logger.error('cannot go on', { error: cause })
      failure.resolve(error)
    },
    obstacle: () => obstacleOf(graph),
  })
  const lifecycle = new Lifecycle({
    members: [
      ...metricsMembers(config, { metrics: () => metrics.render(), ledger: () => reportOf(graph) }, logger),
      ...graphMembers(graph, logger),
    ],
    shutdownTimeoutMs: config.service.shutdownTimeoutMs,
    host: hostOf,
  })

  let started = false
  let stopped: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    await lifecycle.stop()
    // What was folded comes first: the account is the last line.
    ownLogger.flush()
    if (started) announceEnd(logger, ledgersOf(graph))
    ownLogger.flush()
  }
  const shutdown = (): Promise<void> => (stopped ??= stop())
  return {
    failed: failure.promise,
    shutdown,
    async start() {
      if (started || stopped !== undefined) throw new Error('a daemon starts once')
      started = true
      announceStart(logger, config, build, { limit, sized }, shapes)
      try {
        await lifecycle.start()
      } catch (error) {
        await shutdown()
        throw error
      }
    },
  }
}

function metricsMembers(config: DaemonConfig, readings: Readings, logger: Logger): Member[] {
  return metricsAddresses(config.service.telemetry).map((address) => ({
    kind: 'service',
    id: 'telemetry.metrics',
    component: new MetricsServer(address, readings, logger),
    logger,
  }))
}

/** In start order: each finds running what it sends to, or asks its host for. */
function graphMembers(graph: Graph, logger: Logger): Member[] {
  return [
    ...[...graph.extensions].map(([id, component]) => ({ kind: 'extension', id, component }) as const),
    ...[...graph.exporters].map(([id, component]) => ({ kind: 'exporter', id, component }) as const),
    ...[...graph.receivers].map(([id, component]) => ({ kind: 'receiver', id, component }) as const),
  ].map((member) => ({ ...member, logger: logger.child({ component: member.id }) }))
}

function obstacleOf(graph: Graph): string | undefined {
  for (const [id, exporter] of graph.exporters) {
    const obstacle = exporter.obstacle?.()
    if (obstacle !== undefined) return `${id}: ${obstacle}`
  }
  return undefined
}

/** Of each exporter what it can tell; at least its account. */
function reportOf(graph: Graph): object {
  const exporters = [...graph.exporters].map(([id, exporter]) => [
    id,
    exporter.report?.() ?? accountOf(exporter.ledger),
  ])
  return { exporters: Object.fromEntries(exporters) as Record<string, unknown> }
}

function ledgersOf(graph: Graph): ReadonlyMap<string, Ledger> {
  const ledgers = new Map<string, Ledger>()
  for (const [id, { ledger }] of graph.exporters) if (ledger !== undefined) ledgers.set(id, ledger)
  return ledgers
}
