// The parent's connection to one worker.

import cluster, { type Worker } from 'node:cluster'
import type { News } from '../component/siblings.ts'
import type { LedgerCounts } from '../service/readings.ts'
import { type Birth, BIRTH, type FromWorker, type Ports, type Reading, type ToWorker } from './messages.ts'
import type { Waiter } from './turns.ts'

/** Time after the shutdown timeout in which a worker may still send its last message, ms: less than the parent's own grace. */
const KILL_AFTER_MS = 500
/** A worker that does not answer by then is left out of a scrape. */
const READ_TIMEOUT_MS = 2_000

export interface ChildEvents {
  config(child: Child): void
  want(child: Child, name: string): void
  done(child: Child, name: string, done: boolean): void
  news(child: Child, news: News): void
  /** Called once, whatever ended the worker. */
  exited(child: Child, how: string): void
}

export class Child implements Waiter {
  readonly #worker: Worker
  readonly #events: ChildEvents
  readonly #started = Promise.withResolvers<Ports>()
  readonly #readings = new Map<number, (answered: boolean) => void>()
  #nextReading = 1
  readonly #gone = Promise.withResolvers<void>()
  #isGone = false
  readonly bornAtMs = performance.now()
  /** The reason why the worker takes no records now. */
  obstacle: string | undefined
  /** The last reading, kept so that counters do not drop while the worker is busy. Undefined before the first. */
  reading: Reading | undefined
  /** Its final record counts; undefined if it exited without sending them. */
  counts: LedgerCounts | undefined

  constructor(birth: Birth, events: ChildEvents) {
    this.#events = events
    this.#worker = cluster.fork({ [BIRTH]: JSON.stringify(birth) })
    // Prevents an unhandled rejection when nothing awaits `started`.
    this.#started.promise.catch(() => {})
    this.#worker.on('message', (message: FromWorker) => this.#receive(message))
    this.#worker.on('error', (error) => {
      this.#started.reject(error)
      // The process was not created, so there will be no exit event.
      if (this.pid === undefined) this.#exited(error.message)
    })
    this.#worker.once('exit', (code, signal) => this.#exited(signal ?? `exit code ${code}`))
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  /** Resolves with the ports on which the worker listens. Rejects if it exits or reports that it cannot start. */
  get started(): Promise<Ports> {
    return this.#started.promise
  }

  /** Updates `reading`. Resolves with false if the worker does not respond. */
  read(): Promise<boolean> {
    if (!this.#worker.isConnected()) return Promise.resolve(false)
    const id = this.#nextReading++
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answered(id, false), READ_TIMEOUT_MS)
      this.#readings.set(id, (answered) => {
        clearTimeout(timer)
        resolve(answered)
      })
      this.send({ kind: 'read', id })
    })
  }

  turn(name: string, done: boolean): void {
    this.send({ kind: 'turn', name, done })
  }

  send(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message)
  }

  /** Asks the worker to drain; kills it `KILL_AFTER_MS` after the abort. */
  async stop(signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const onAbort = () => {
      timer = setTimeout(() => void this.#worker.process.kill('SIGKILL'), KILL_AFTER_MS)
    }
    this.#worker.process.kill('SIGTERM')
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    await this.#gone.promise
    signal.removeEventListener('abort', onAbort)
    clearTimeout(timer)
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'config':
        return this.#events.config(this)
      case 'started':
        return this.#started.resolve(message.ports)
      case 'failed':
        return this.#started.reject(new Error(message.message))
      case 'obstacle':
        this.obstacle = message.obstacle
        return
      case 'reading':
        this.reading = message.reading
        return this.#answered(message.id, true)
      case 'want':
        return this.#events.want(this, message.name)
      case 'done':
        return this.#events.done(this, message.name, message.done)
      case 'news':
        return this.#events.news(this, message.news)
      case 'ended':
        this.counts = message.counts
    }
  }

  #answered(id: number, answered: boolean): void {
    this.#readings.get(id)?.(answered)
    this.#readings.delete(id)
  }

  #exited(how: string): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#gone.resolve()
    this.#started.reject(new Error(`it ended with ${how}`))
    for (const id of this.#readings.keys()) this.#answered(id, false)
    this.#events.exited(this, how)
  }
}
