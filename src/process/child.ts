// One worker, seen from the parent.

import cluster, { type Worker } from 'node:cluster'
import type { News } from '../component/siblings.ts'
import type { Accounts } from '../service/readings.ts'
import { type Birth, BIRTH, type FromWorker, type Ports, type Reading, type ToWorker } from './messages.ts'
import type { Waiter } from './turns.ts'

/** How long after its time a worker may still say its last word, ms: less than the parent itself is waited for. */
const KILL_AFTER_MS = 500
/** A worker that does not answer by then is left out of a scrape. */
const READ_TIMEOUT_MS = 2_000

export interface ChildEvents {
  config(child: Child): void
  want(child: Child, name: string): void
  done(child: Child, name: string, done: boolean): void
  news(child: Child, news: News): void
  /** Once, whatever ended it. */
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
  /** What keeps it from taking records for now. */
  obstacle: string | undefined
  /** What it said last: its counters are not to fall, and rise again, because it was busy once. Undefined: nothing yet. */
  reading: Reading | undefined
  /** What it had counted when it ended; undefined if it died without a word. */
  accounts: Accounts | undefined

  constructor(birth: Birth, events: ChildEvents) {
    this.#events = events
    this.#worker = cluster.fork({ [BIRTH]: JSON.stringify(birth) })
    // Told by `started` too, which may have nobody waiting.
    this.#started.promise.catch(() => {})
    this.#worker.on('message', (message: FromWorker) => this.#heard(message))
    this.#worker.on('error', (error) => {
      this.#started.reject(error)
      // It could not be made, so it cannot exit either.
      if (this.pid === undefined) this.#exited(error.message)
    })
    this.#worker.once('exit', (code, signal) => this.#exited(signal ?? `exit code ${code}`))
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  /** The ports on which it listens. Rejects if it ends, or says that it cannot start. */
  get started(): Promise<Ports> {
    return this.#started.promise
  }

  /** Brings `reading` up to date; false if it does not answer. */
  read(): Promise<boolean> {
    if (!this.#worker.isConnected()) return Promise.resolve(false)
    const id = this.#nextReading++
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answered(id, false), READ_TIMEOUT_MS)
      this.#readings.set(id, (answered) => {
        clearTimeout(timer)
        resolve(answered)
      })
      this.tell({ kind: 'read', id })
    })
  }

  turn(name: string, done: boolean): void {
    this.tell({ kind: 'turn', name, done })
  }

  tell(message: ToWorker): void {
    if (this.#worker.isConnected()) this.#worker.send(message)
  }

  /** Asks it to drain; soon after the abort it is ended. */
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

  #heard(message: FromWorker): void {
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
        this.accounts = message.accounts
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
