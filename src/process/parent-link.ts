// The parent of several processes, seen from a worker.

import cluster from 'node:cluster'
import type { News, Siblings } from '../component/siblings.ts'
import type { Birth, FromWorker, ToWorker } from './messages.ts'

/** The files of the config as the parent read them. */
export async function filesOfParent(): Promise<Map<string, string>> {
  const answer = Promise.withResolvers<Map<string, string>>()
  const hear = (message: ToWorker) => {
    if (message.kind === 'config') answer.resolve(new Map(message.files))
  }
  cluster.worker?.on('message', hear)
  say({ kind: 'config' })
  const files = await answer.promise
  cluster.worker?.off('message', hear)
  return files
}

export class ParentLink implements Siblings {
  readonly share: number
  readonly ports: Map<string, number>
  /** What the others knew when this one was born. */
  readonly #old: readonly News[]
  readonly #listeners = new Set<(news: News) => void>()
  /** Work whose turn has not come, by name. */
  readonly #waiting = new Map<string, (done: boolean) => void>()
  read: (id: number) => void = () => {}

  constructor(share: number, { ports, news }: Birth) {
    this.share = share
    this.ports = new Map(ports)
    this.#old = news
    cluster.worker?.on('message', (message: ToWorker) => this.#heard(message))
  }

  async once(name: string, work: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { promise: done, resolve } = Promise.withResolvers<boolean>()
    const giveUp = () => {
      this.#waiting.delete(name)
      resolve(true)
    }
    this.#waiting.set(name, resolve)
    say({ kind: 'want', name })
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    const isDone = await done
    signal.removeEventListener('abort', giveUp)
    if (isDone) return
    let worked = false
    try {
      worked = await work()
    } finally {
      say({ kind: 'done', name, done: worked })
    }
  }

  tell(news: News): void {
    say({ kind: 'news', news })
  }

  hear(listener: (news: News) => void): () => void {
    this.#listeners.add(listener)
    // This process has its clock since its birth.
    for (const news of this.#old) listener({ ...news, afterMs: Math.max(0, news.afterMs - performance.now()) })
    return () => this.#listeners.delete(listener)
  }

  say(message: FromWorker): void {
    say(message)
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
      case 'config':
        return // it was asked for before this process had a daemon
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
    const resolve = this.#waiting.get(name)
    this.#waiting.delete(name)
    if (resolve !== undefined) resolve(done)
    // Nobody waits for it any more: the next one is not to wait for this process.
    else if (!done) say({ kind: 'done', name, done: false })
  }
}

/** A parent that is gone hears nothing any more; Node ends its workers then. */
function say(message: FromWorker): void {
  // One that goes just now is no error of this process, which is what a send without a callback makes of it.
  if (cluster.worker?.isConnected() === true) cluster.worker.send(message, () => {})
}
