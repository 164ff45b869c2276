// A process of several, seen from inside: the daemon without what the parent does for all of them.

import cluster from 'node:cluster'
import type { BuildInfo } from '../../component/component.ts'
import type { News, Siblings } from '../../component/siblings.ts'
import type { DaemonConfig } from '../../config/daemon-config.ts'
import { describeError } from '../../telemetry/describe-error.ts'
import { buildDaemon, type Daemon } from '../daemon.ts'
import { type FromWorker, type Ports, PORTS, type ToWorker } from './messages.ts'

/** How often the parent hears what keeps records from being taken, if that has changed. */
const OBSTACLE_MS = 1_000

/** @throws ComponentError naming the component that cannot be built from its config */
export function createWorker(config: DaemonConfig, build: BuildInfo): Daemon {
  const ports = new Map(JSON.parse(process.env[PORTS] ?? '[]') as Ports)
  const siblings = new ParentsChildren(1 / config.service.workers, ports)
  const { daemon, readings } = buildDaemon(ofWorker(config), build, { siblings })
  siblings.read = (id) => {
    const reading = { families: readings.families(), report: readings.report() }
    siblings.say({ kind: 'reading', id, reading })
  }
  let told: string | undefined
  const watch = setInterval(() => {
    const obstacle = readings.obstacle()
    if (obstacle === told) return
    told = obstacle
    siblings.say({ kind: 'obstacle', obstacle })
  }, OBSTACLE_MS)
  watch.unref()
  return {
    failed: daemon.failed,
    async start() {
      try {
        await daemon.start()
        siblings.say({ kind: 'started', ports: [...siblings.ports] })
      } catch (error) {
        siblings.say({ kind: 'failed', message: describeError(error) })
        throw error
      }
    },
    async shutdown() {
      clearInterval(watch)
      await daemon.shutdown()
      await siblings.end({ kind: 'ended', accounts: readings.accounts() })
    },
  }
}

/** Extensions that are for all processes run in the parent, and so does what answers scrapes. */
function ofWorker(config: DaemonConfig): DaemonConfig {
  const { service } = config
  const extensions = service.extensions.filter((id) => config.extensions.get(id)?.factory.oneForAll !== true)
  const telemetry = { ...service.telemetry, metrics: { ...service.telemetry.metrics, level: 'none' as const } }
  return { ...config, service: { ...service, extensions, telemetry } }
}

class ParentsChildren implements Siblings {
  readonly share: number
  readonly ports: Map<string, number>
  readonly #listeners = new Set<(news: News) => void>()
  /** Work whose turn has not come, by name. Two exporters may ask for the same; turns come in the order of asking. */
  readonly #waiting = new Map<string, ((done: boolean) => void)[]>()
  read: (id: number) => void = () => {}

  constructor(share: number, ports: Map<string, number>) {
    this.share = share
    this.ports = ports
    cluster.worker?.on('message', (message: ToWorker) => this.#heard(message))
  }

  async once(name: string, work: () => Promise<boolean>): Promise<void> {
    const done = new Promise<boolean>((resolve) => {
      this.#waiting.set(name, [...(this.#waiting.get(name) ?? []), resolve])
    })
    this.say({ kind: 'want', name })
    if (await done) return
    let worked = false
    try {
      worked = await work()
    } finally {
      this.say({ kind: 'done', name, done: worked })
    }
  }

  tell(news: News): void {
    this.say({ kind: 'news', news })
  }

  hear(listener: (news: News) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  say(message: FromWorker): void {
    // A parent that is gone hears nothing any more; Node ends its workers then.
    if (cluster.worker?.isConnected() === true) cluster.worker.send(message)
  }

  /** The last word, after which nothing keeps the process alive. */
  async end(message: FromWorker): Promise<void> {
    const { worker } = cluster
    if (worker?.isConnected() !== true) return
    await new Promise<void>((resolve) => void worker.send(message, () => resolve()))
    worker.disconnect()
  }

  #heard(message: ToWorker): void {
    switch (message.kind) {
      case 'read':
        return this.read(message.id)
      case 'news':
        for (const listener of this.#listeners) listener(message.news)
        return
      case 'turn':
        return this.#turn(message.name, message.done)
    }
  }

  #turn(name: string, done: boolean): void {
    const [first, ...others] = this.#waiting.get(name) ?? []
    if (others.length > 0) this.#waiting.set(name, others)
    else this.#waiting.delete(name)
    first?.(done)
  }
}
