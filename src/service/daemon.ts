import { randomUUID } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { ByteBudget } from '../component/byte-budget.ts'
import { ComponentError, type BuildInfo, type Host } from '../component/component.ts'
import { ALONE, type Siblings } from '../component/siblings.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { createLogger } from '../telemetry/create-logger.ts'
import { describeError } from '../telemetry/describe-error.ts'
import { accountOf, type Ledger } from '../accounting/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import { mergeFamilies } from '../telemetry/merge-families.ts'
import { registerProcess, registerTarget } from '../telemetry/process-metrics.ts'
import { type Family, Registry, renderFamilies } from '../telemetry/registry.ts'
import { announceEnd, announceStart } from './announce.ts'
import { registerBudget } from './memory/budget-metrics.ts'
import { collectWhenQuiet } from './memory/collect-when-quiet.ts'
import { buildGraph, type Graph } from './graph.ts'
import { Lifecycle, nameOf, type Member } from './lifecycle.ts'
import { memoryLimit, sizeBudget, waitingHeap } from './memory/memory.ts'
import { metricsAddresses, MetricsServer, type Readings } from './metrics-server.ts'
import { shapesOf } from './shapes.ts'
import { mergeReports } from './workers/merge-reports.ts'
import type { Accounts, Report } from './workers/messages.ts'
import type { Workers } from './workers/workers.ts'

/** A config that can run, once. */
export interface Daemon {
  /** @throws ComponentError naming the component that could not start; whatever had started is stopped by then */
  start(): Promise<void>
  /**
   * Stops intake, drains and closes within `service.shutdown_timeout`. Never rejects; safe unstarted, during `start` (which
   * then rejects) and twice.
   */
  shutdown(): Promise<void>
  /** Checks without opening anything whether the start would fail on this machine. */
  check(): Promise<Checked>
  /** Resolves when a running component cannot go on: shut down, and exit with 1. */
  readonly failed: Promise<Error>
}

/** One sentence each, naming the component. */
export interface Checked {
  readonly problems: readonly string[]
  /** What only a start can show. */
  readonly notes: readonly string[]
}

/** What makes it one of several processes, or more than what its config says. */
export interface DaemonParts {
  /** Instead of the one that `service.telemetry.logs` describes; its owner flushes it. */
  readonly logger?: Logger
  /** The other processes, of a worker. It leaves it to the parent to say what is the same for all of them. */
  readonly siblings?: Siblings
  /** The processes that have the pipelines, of a parent. */
  readonly workers?: (logger: Logger) => Workers
}

/** What a daemon can tell of itself. */
export interface OwnReadings {
  families(): Family[]
  report(): Report
  accounts(): Accounts
  obstacle(): string | undefined
}

/**
 * Wires a config; opens nothing.
 * @throws ComponentError naming the component that cannot be built from its config
 */
export function createDaemon(config: DaemonConfig, build: BuildInfo, parts: DaemonParts = {}): Daemon {
  return buildDaemon(config, build, parts).daemon
}

/** The same, and a way to read it. */
export function buildDaemon(
  config: DaemonConfig,
  build: BuildInfo,
  parts: DaemonParts,
): { readonly daemon: Daemon; readonly readings: OwnReadings } {
  const ownLogger = createLogger(config.service.telemetry.logs)
  const logger = parts.logger ?? ownLogger
  const { siblings = ALONE } = parts
  const isWorker = siblings !== ALONE
  const workers = parts.workers?.(logger.child({ component: 'workers' }))
  const shapes = shapesOf(config)
  const limit = memoryLimit()
  const sized = sizeBudget(limit, [...shapes.processors.values()])
  const heapLimit = getHeapStatistics().heap_size_limit
  const budget = new ByteBudget(Math.floor(sized.bytes * siblings.share), waitingHeap(heapLimit, limit))
  const metrics = new Registry()
  registerProcess(metrics)
  if (!isWorker)
    registerTarget(metrics, {
      service_name: build.name,
      service_version: build.version,
      service_instance_id: randomUUID(),
    })
  if (workers === undefined) registerBudget(metrics, budget)
  const graph = buildGraph(config, { logger, metrics, budget, build, shapes: shapes.exporters, siblings })
  const readings: OwnReadings = {
    families: () => metrics.collect(),
    report: () => reportOf(graph),
    accounts: () => accountsOf(graph),
    obstacle: () => obstacleOf(graph) ?? workers?.obstacle,
  }

  const failure = Promise.withResolvers<Error>()
  const hostOf = (member: Member): Host => ({
    extension: (id) => graph.extensions.get(id),
    fatal(cause) {
      const error = new ComponentError(`${nameOf(member)}: ${describeError(cause)}`, { cause })
      member.logger.error('cannot go on', { error: cause })
      failure.resolve(error)
    },
    obstacle: () => readings.obstacle(),
  })
  const lifecycle = new Lifecycle({
    members: [
      ...metricsMembers(config, readingsOfAll(readings, workers), logger),
      ...graphMembers(graph, logger),
      // They start when everything else runs, and stop before it.
      ...(workers === undefined ? [] : [{ kind: 'workers', id: 'workers', component: workers, logger } as const]),
    ],
    shutdownTimeoutMs: config.service.shutdownTimeoutMs,
    host: hostOf,
  })

  let started = false
  let stopped: Promise<void> | undefined
  let stopCollecting = (): void => {}
  const stop = async (): Promise<void> => {
    stopCollecting()
    await lifecycle.stop()
    // What was folded comes first: the account is the last line.
    ownLogger.flush()
    if (started && !isWorker) announceEnd(logger, workers?.ledgers ?? ledgersOf(graph))
    ownLogger.flush()
  }
  const shutdown = (): Promise<void> => (stopped ??= stop())
  const daemon: Daemon = {
    failed: failure.promise,
    shutdown,
    check: () => checkMembers(graphMembers(graph, logger)),
    async start() {
      if (started || stopped !== undefined) throw new Error('a daemon starts once')
      started = true
      stopCollecting = collectWhenQuiet(logger)
      if (!isWorker) announceStart(logger, config, build, { limit, sized }, shapes)
      try {
        await lifecycle.start()
      } catch (error) {
        await shutdown()
        throw error
      }
    },
  }
  return { daemon, readings }
}

async function checkMembers(members: readonly Member[]): Promise<Checked> {
  const problems: string[] = []
  const notes: string[] = []
  for (const member of members) {
    try {
      for (const note of (await member.component.check?.()) ?? []) notes.push(`${nameOf(member)}: ${note}`)
    } catch (error) {
      problems.push(`${nameOf(member)}: ${describeError(error)}`)
    }
  }
  return { problems, notes }
}

/** What scrapes are answered with. */
function readingsOfAll(own: OwnReadings, workers: Workers | undefined): Readings {
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
function reportOf(graph: Graph): Report {
  const exporters = [...graph.exporters].map(([id, exporter]) => [
    id,
    exporter.report?.() ?? accountOf(exporter.ledger),
  ])
  return { exporters: Object.fromEntries(exporters) as Record<string, unknown> }
}

function accountsOf(graph: Graph): Accounts {
  const ledgers = [...ledgersOf(graph)]
  return Object.fromEntries(
    ledgers.map(([id, ledger]) => {
      const outlives = graph.exporters.get(id)?.accountOutlives === true
      return [id, { ...ledger.snapshot(), queued: ledger.queued, outlives }]
    }),
  )
}

function ledgersOf(graph: Graph): ReadonlyMap<string, Ledger> {
  const ledgers = new Map<string, Ledger>()
  for (const [id, { ledger }] of graph.exporters) if (ledger !== undefined) ledgers.set(id, ledger)
  return ledgers
}
