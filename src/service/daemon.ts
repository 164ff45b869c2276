import { randomUUID } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { ByteBudget } from '../component/byte-budget.ts'
import { ComponentError, type BuildInfo, type Host } from '../component/component.ts'
import { ALONE } from '../component/siblings.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { createLogger } from '../telemetry/create-logger.ts'
import { describeError } from '../telemetry/describe-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import { registerProcess, registerTarget } from '../telemetry/process-metrics.ts'
import { Registry } from '../telemetry/registry.ts'
import { announceEnd, announceStart } from './announce.ts'
import { buildGraph, type Graph } from './graph.ts'
import { Lifecycle, nameOf, type Member } from './lifecycle.ts'
import { registerBudget } from './memory/budget-metrics.ts'
import { collectWhenQuiet } from './memory/collect-when-quiet.ts'
import { keepHeapSmall } from './memory/small-heap.ts'
import { memoryLimit, type SizedBudget, sizeBudget, waitingHeap } from './memory/memory.ts'
import { metricsAddresses, MetricsServer, type Readings } from './metrics-server.ts'
import type { Mode, PipelineWorkers } from './mode.ts'
import { ledgersOf, type OwnReadings, readAll, readGraph } from './readings.ts'
import { type Shapes, shapesOf } from './shapes.ts'

/** A wired config that can run once. */
export interface Daemon {
  /** @throws ComponentError naming the component that could not start, after stopping those that had started */
  start(): Promise<void>
  /**
   * Stops intake, drains and closes within `service.shutdown_timeout`. Never rejects; safe unstarted, during `start` (which
   * then rejects) and twice.
   */
  shutdown(): Promise<void>
  /** Checks whether the start would fail on this machine, without opening anything. */
  check(): Promise<Checked>
  /** Resolves when a running component cannot go on: shut down, and exit with 1. */
  readonly failed: Promise<Error>
}

/** One sentence each, naming the component. */
export interface Checked {
  readonly problems: readonly string[]
  /** Conditions that only a start can verify. */
  readonly notes: readonly string[]
}

export interface DaemonParts {
  readonly mode: Mode
  /** Replaces the logger of `service.telemetry.logs`; the caller flushes it. */
  readonly logger?: Logger
}

/** The daemon, or the part of it that runs in this process. */
export class ServiceDaemon implements Daemon {
  readonly readings: OwnReadings
  readonly #config: DaemonConfig
  readonly #build: BuildInfo
  readonly #mode: Mode
  readonly #ownLogger: ReturnType<typeof createLogger>
  readonly #logger: Logger
  readonly #shapes: Shapes
  readonly #memory: { readonly limit: number; readonly sized: SizedBudget }
  readonly #workers: PipelineWorkers | undefined
  readonly #graph: Graph
  readonly #lifecycle: Lifecycle
  readonly #failure = Promise.withResolvers<Error>()
  #started = false
  #stopped: Promise<void> | undefined
  #stopHeapTimers = (): void => {}

  /**
   * Wires a config; opens nothing.
   * @throws ComponentError naming the component that cannot be built from its config
   */
  constructor(config: DaemonConfig, build: BuildInfo, { mode, logger }: DaemonParts) {
    this.#config = config
    this.#build = build
    this.#mode = mode
    this.#ownLogger = createLogger(config.service.telemetry.logs)
    this.#logger = logger ?? this.#ownLogger
    this.#shapes = shapesOf(config)
    const limit = memoryLimit()
    this.#memory = { limit, sized: sizeBudget(limit, [...this.#shapes.processors.values()]) }
    const siblings = mode.kind === 'worker' ? mode.siblings : ALONE
    const heapLimit = getHeapStatistics().heap_size_limit
    const budget = new ByteBudget(Math.floor(this.#memory.sized.bytes * siblings.share), waitingHeap(heapLimit, limit))
    this.#workers = mode.kind === 'parent' ? mode.workers(this.#logger.child({ component: 'workers' })) : undefined
    const metrics = new Registry()
    registerProcess(metrics)
    if (mode.kind !== 'worker') registerTarget(metrics, targetOf(build))
    if (mode.kind !== 'parent') registerBudget(metrics, budget)
    const shapes = this.#shapes.exporters
    this.#graph = buildGraph(config, { logger: this.#logger, metrics, budget, build, shapes, siblings })
    this.readings = readGraph(this.#graph, metrics, this.#workers)
    this.#lifecycle = new Lifecycle({
      members: this.#members(),
      shutdownTimeoutMs: config.service.shutdownTimeoutMs,
      host: (member) => this.#hostOf(member),
    })
  }

  get failed(): Promise<Error> {
    return this.#failure.promise
  }

  async start(): Promise<void> {
    if (this.#started || this.#stopped !== undefined) throw new Error('a daemon starts once')
    this.#started = true
    const timers = [keepHeapSmall(), collectWhenQuiet(this.#logger)]
    this.#stopHeapTimers = () => timers.forEach((stop) => stop())
    if (this.#mode.kind !== 'worker') announceStart(this.#logger, this.#config, this.#build, this.#memory, this.#shapes)
    try {
      await this.#lifecycle.start()
    } catch (error) {
      await this.shutdown()
      throw error
    }
  }

  shutdown(): Promise<void> {
    return (this.#stopped ??= this.#stop())
  }

  async check(): Promise<Checked> {
    const problems: string[] = []
    const notes: string[] = []
    for (const member of graphMembers(this.#graph, this.#logger)) {
      try {
        for (const note of (await member.component.check?.()) ?? []) notes.push(`${nameOf(member)}: ${note}`)
      } catch (error) {
        problems.push(`${nameOf(member)}: ${describeError(error)}`)
      }
    }
    return { problems, notes }
  }

  async #stop(): Promise<void> {
    this.#stopHeapTimers()
    await this.#lifecycle.stop()
    // Flush folded lines first, so that the record counts are the last line.
    this.#ownLogger.flush()
    if (this.#started && this.#mode.kind !== 'worker')
      announceEnd(this.#logger, this.#workers?.ledgers ?? ledgersOf(this.#graph))
    this.#ownLogger.flush()
  }

  #members(): Member[] {
    const logger = this.#logger
    const workers = this.#workers
    return [
      ...metricsMembers(this.#config, readAll(this.readings, workers), logger),
      ...graphMembers(this.#graph, logger),
      // Workers start after everything else and stop before it.
      ...(workers === undefined ? [] : [{ kind: 'workers', id: 'workers', component: workers, logger } as const]),
    ]
  }

  #hostOf(member: Member): Host {
    return {
      extension: (id) => this.#graph.extensions.get(id),
      fatal: (cause) => {
        const error = new ComponentError(`${nameOf(member)}: ${describeError(cause)}`, { cause })
        member.logger.error('cannot go on', { error: cause })
        this.#failure.resolve(error)
      },
      obstacle: () => this.readings.obstacle(),
    }
  }
}

function targetOf({ name, version }: BuildInfo): Parameters<typeof registerTarget>[1] {
  return { service_name: name, service_version: version, service_instance_id: randomUUID() }
}

function metricsMembers(config: DaemonConfig, readings: Readings, logger: Logger): Member[] {
  return metricsAddresses(config.service.telemetry).map((address) => ({
    kind: 'service',
    id: 'telemetry.metrics',
    component: new MetricsServer(address, readings, logger),
    logger,
  }))
}

/** Members in start order: each starts after the components it sends to or asks its host for. */
function graphMembers(graph: Graph, logger: Logger): Member[] {
  return [
    ...[...graph.extensions].map(([id, component]) => ({ kind: 'extension', id, component }) as const),
    ...[...graph.exporters].map(([id, component]) => ({ kind: 'exporter', id, component }) as const),
    ...[...graph.receivers].map(([id, component]) => ({ kind: 'receiver', id, component }) as const),
  ].map((member) => ({ ...member, logger: logger.child({ component: member.id }) }))
}
