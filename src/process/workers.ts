// The parent of several processes that are one daemon (`service.workers`).
//
//   clients ─▶ one port, SO_REUSEPORT ─▶ worker 1 ─▶ CloudWatch      each with its own lanes, share of the budget, and
//                                     ─▶ worker 2 ─▶                 directory; what only one may do is asked of the parent

import { ComponentError, type Host } from '../component/component.ts'
import { describeError } from '../telemetry/describe-error.ts'
import { Ledger } from '../accounting/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Family } from '../telemetry/registry.ts'
import { Child, type ChildEvents } from './child.ts'
import type { PipelineWorkers } from '../service/mode.ts'
import type { Account } from '../service/readings.ts'
import type { Files, Ports } from './messages.ts'
import { Throttles } from './throttles.ts'
import { Turns } from './turns.ts'

/** A worker that dies is replaced after this, then twice, four times … as long, while new ones do not live long. */
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** A worker that lived so long died of something new. */
const LONG_LIFE_MS = 60_000
/** Deaths in a row, after short lives, at which the daemon ends: whoever runs it should hear of it. */
const MAX_EARLY_EXITS = 8

export class Workers implements PipelineWorkers {
  readonly #count: number
  readonly #files: Files
  readonly #logger: Logger
  readonly #children = new Set<Child>()
  readonly #waits = new Set<NodeJS.Timeout>()
  readonly #turns = new Turns()
  readonly #throttles = new Throttles()
  #ended: (readonly [exporter: string, account: Account])[] = []
  #fatal: (error: Error) => void = () => {}
  #deaths = 0
  #running = false
  #ports: Ports = []

  /** @param files of the config */
  constructor(count: number, files: Files, logger: Logger) {
    this.#count = count
    this.#files = files
    this.#logger = logger
  }

  /** @throws ComponentError with what the first worker that could not start said */
  async start(host: Host): Promise<void> {
    this.#fatal = (error) => host.fatal(error)
    try {
      // The first one finds the ports, where the config leaves them to the system.
      this.#ports = await this.#fork().started
      await Promise.all(Array.from({ length: this.#count - 1 }, () => this.#fork().started))
    } catch (cause) {
      throw new ComponentError(`a worker could not start: ${describeError(cause)}`, { cause })
    }
    this.#running = true
    // One may have ended while the others were starting.
    for (let missing = this.#count - this.#children.size; missing > 0; missing--) this.#fork()
    this.#logger.info('workers run', { workers: this.#count, pids: [...this.#children].map(({ pid }) => pid) })
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#running = false
    for (const wait of this.#waits) clearTimeout(wait)
    await Promise.all([...this.#children].map((child) => child.stop(signal)))
  }

  /** Of one that does not answer in time what it said before. */
  async read(): Promise<{ readonly families: (readonly Family[])[]; readonly reports: unknown[] }> {
    const children = [...this.#children]
    const answers = await Promise.all(children.map((child) => child.read()))
    const heard = answers.filter((answered) => answered).length
    if (heard < this.#count)
      this.#logger.warn('not every worker was heard; of the others the numbers are those of before', { heard })
    const found = children.map(({ reading }) => reading).filter((reading) => reading !== undefined)
    return { families: found.map(({ families }) => families), reports: found.map(({ report }) => report) }
  }

  get obstacle(): string | undefined {
    for (const { obstacle } of this.#children) if (obstacle !== undefined) return obstacle
    return undefined
  }

  /** By exporter, of workers that have ended in order. */
  get ledgers(): Map<string, Ledger> {
    const ledgers = new Map<string, Ledger>()
    for (const [exporter, account] of this.#ended) {
      const ledger = ledgers.get(exporter) ?? new Ledger()
      ledgers.set(exporter, ledger)
      ledger.add(account)
    }
    return ledgers
  }

  #fork(): Child {
    const child = new Child({ ports: this.#ports, news: this.#throttles.news(performance.now()) }, this.#events)
    this.#children.add(child)
    return child
  }

  readonly #events: ChildEvents = {
    config: (child) => child.tell({ kind: 'config', files: this.#files }),
    want: (child, name) => this.#turns.want(name, child),
    done: (child, name, done) => this.#turns.finished(name, child, done),
    news: (child, news) => {
      this.#throttles.heard(news, performance.now())
      for (const other of this.#children) if (other !== child) other.tell({ kind: 'news', news })
    },
    exited: (child, how) => this.#exited(child, how),
  }

  #exited(child: Child, how: string): void {
    this.#children.delete(child)
    this.#turns.forget(child)
    this.#ended.push(...Object.entries(child.accounts ?? {}))
    if (!this.#running) {
      if (child.accounts === undefined)
        this.#logger.error(
          'a worker ended before it had said what became of its records; they are not in the account',
          {
            pid: child.pid,
            ended: how,
          },
        )
      return
    }
    this.#deaths = performance.now() - child.bornAtMs > LONG_LIFE_MS ? 1 : this.#deaths + 1
    if (this.#deaths > MAX_EARLY_EXITS)
      return this.#fatal(new Error(`workers end as soon as they have started, the last one with ${how}`))
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#deaths - 1))
    this.#logger.error('a worker ended and is replaced; what it held is lost, unless it has a storage', {
      pid: child.pid,
      ended: how,
      inMs: waitMs,
    })
    this.#replaceAfter(waitMs)
  }

  #replaceAfter(waitMs: number): void {
    const wait = setTimeout(() => {
      this.#waits.delete(wait)
      this.#ended = this.#ended.filter(([, { outlives }]) => !outlives)
      try {
        // If it cannot start it ends, and is heard of so.
        this.#fork()
      } catch (error) {
        // No memory for another process, say. The others go on.
        const fields = { error: describeError(error), inMs: LONGEST_WAIT_MS }
        this.#logger.error('a worker could not be made and is tried again', fields)
        this.#replaceAfter(LONGEST_WAIT_MS)
      }
    }, waitMs)
    this.#waits.add(wait)
  }
}
