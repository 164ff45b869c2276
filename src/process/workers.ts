// The parent of the worker processes that form one daemon (`service.workers`).
//
//   clients ─▶ one port, SO_REUSEPORT ─▶ worker 1 ─▶ CloudWatch      each with its own lanes, share of the budget, and
//                                     ─▶ worker 2 ─▶                 directory; the parent decides which one does shared work

import { ComponentError, type Host } from '../component/component.ts'
import { describeError } from '../telemetry/describe-error.ts'
import { Ledger } from '../accounting/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Family } from '../telemetry/registry.ts'
import { Child, type ChildEvents } from './child.ts'
import type { PipelineWorkers } from '../service/mode.ts'
import type { ExporterCounts } from '../service/readings.ts'
import type { Files, Ports } from './messages.ts'
import { Throttles } from './throttles.ts'
import { Turns } from './turns.ts'

/** Delay before a worker that exited is replaced; doubles while replacements exit early. */
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** An exit after this uptime is not an early exit and resets the delay. */
const LONG_LIFE_MS = 60_000
/** Maximum early exits in a row; after one more the daemon exits, so that its supervisor notices. */
const MAX_EARLY_EXITS = 8

export class Workers implements PipelineWorkers {
  readonly #count: number
  readonly #files: Files
  readonly #logger: Logger
  readonly #children = new Set<Child>()
  readonly #waits = new Set<NodeJS.Timeout>()
  readonly #turns = new Turns()
  readonly #throttles = new Throttles()
  #ended: (readonly [exporter: string, counts: ExporterCounts])[] = []
  #fatal: (error: Error) => void = () => {}
  #deaths = 0
  #running = false
  #ports: Ports = []

  /** @param files the config files */
  constructor(count: number, files: Files, logger: Logger) {
    this.#count = count
    this.#files = files
    this.#logger = logger
  }

  /** @throws ComponentError with the error of the first worker that could not start */
  async start(host: Host): Promise<void> {
    this.#fatal = (error) => host.fatal(error)
    try {
      // The first worker finds the ports that the config leaves to the system.
      this.#ports = await this.#fork().started
      await Promise.all(Array.from({ length: this.#count - 1 }, () => this.#fork().started))
    } catch (cause) {
      throw new ComponentError(`a worker could not start: ${describeError(cause)}`, { cause })
    }
    this.#running = true
    // A worker may have exited while the others were starting.
    for (let missing = this.#count - this.#children.size; missing > 0; missing--) this.#fork()
    this.#logger.info('workers run', { workers: this.#count, pids: [...this.#children].map(({ pid }) => pid) })
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#running = false
    for (const wait of this.#waits) clearTimeout(wait)
    await Promise.all([...this.#children].map((child) => child.stop(signal)))
  }

  /** Returns the readings of all workers; the last known one of a worker that does not respond in time. */
  async read(): Promise<{ readonly families: (readonly Family[])[]; readonly reports: unknown[] }> {
    const children = [...this.#children]
    const answers = await Promise.all(children.map((child) => child.read()))
    const responded = answers.filter((answered) => answered).length
    if (responded < this.#count)
      this.#logger.warn('some workers did not respond: reporting their last known metrics', { responded })
    const found = children.map(({ reading }) => reading).filter((reading) => reading !== undefined)
    return { families: found.map(({ families }) => families), reports: found.map(({ report }) => report) }
  }

  get obstacle(): string | undefined {
    for (const { obstacle } of this.#children) if (obstacle !== undefined) return obstacle
    return undefined
  }

  /** Ledgers of workers that shut down cleanly, by exporter. */
  get ledgers(): Map<string, Ledger> {
    const ledgers = new Map<string, Ledger>()
    for (const [exporter, counts] of this.#ended) {
      const ledger = ledgers.get(exporter) ?? new Ledger()
      ledgers.set(exporter, ledger)
      ledger.add(counts)
    }
    return ledgers
  }

  #fork(): Child {
    const child = new Child({ ports: this.#ports, news: this.#throttles.news(performance.now()) }, this.#events)
    this.#children.add(child)
    return child
  }

  readonly #events: ChildEvents = {
    config: (child) => child.send({ kind: 'config', files: this.#files }),
    want: (child, name) => this.#turns.want(name, child),
    done: (child, name, done) => this.#turns.finished(name, child, done),
    news: (child, news) => {
      this.#throttles.record(news, performance.now())
      for (const other of this.#children) if (other !== child) other.send({ kind: 'news', news })
    },
    exited: (child, how) => this.#exited(child, how),
  }

  #exited(child: Child, how: string): void {
    this.#children.delete(child)
    this.#turns.forget(child)
    this.#ended.push(...Object.entries(child.counts ?? {}))
    if (!this.#running) {
      if (child.counts === undefined)
        this.#logger.error('a worker exited without reporting its record counts: they are missing from the total', {
          pid: child.pid,
          ended: how,
        })
      return
    }
    this.#deaths = performance.now() - child.bornAtMs > LONG_LIFE_MS ? 1 : this.#deaths + 1
    if (this.#deaths > MAX_EARLY_EXITS)
      return this.#fatal(new Error(`workers keep exiting soon after they start, the last one with ${how}`))
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#deaths - 1))
    this.#logger.error(
      'a worker exited and is replaced: its queued records are lost unless the exporter has a storage',
      {
        pid: child.pid,
        ended: how,
        inMs: waitMs,
      },
    )
    this.#replaceAfter(waitMs)
  }

  #replaceAfter(waitMs: number): void {
    const wait = setTimeout(() => {
      this.#waits.delete(wait)
      this.#ended = this.#ended.filter(([, { outlives }]) => !outlives)
      try {
        // A worker that cannot start exits, which `#exited` handles.
        this.#fork()
      } catch (error) {
        // No memory for another process, for example. The other workers continue.
        const fields = { error: describeError(error), inMs: LONGEST_WAIT_MS }
        this.#logger.error('cannot create a worker process: retrying', fields)
        this.#replaceAfter(LONGEST_WAIT_MS)
      }
    }, waitMs)
    this.#waits.add(wait)
  }
}
