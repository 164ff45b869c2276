// A worker's connection to its parent.

import cluster from 'node:cluster'
import type { News, Siblings } from '../component/siblings.ts'
import type { Birth, FromWorker, ToWorker } from './messages.ts'

/** Returns the config files as the parent read them. */
export async function filesOfParent(): Promise<Map<string, string>> {
  const answer = Promise.withResolvers<Map<string, string>>()
  const onMessage = (message: ToWorker) => {
    if (message.kind === 'config') answer.resolve(new Map(message.files))
  }
  cluster.worker?.on('message', onMessage)
  send({ kind: 'config' })
  const files = await answer.promise
  cluster.worker?.off('message', onMessage)
  return files
}

export class ParentLink implements Siblings {
  readonly share: number
  readonly ports: Map<string, number>
  /** News from before this worker started. */
  readonly #old: readonly News[]
  readonly #listeners = new Set<(news: News) => void>()
  /** Work whose turn has not come, by name. */
  readonly #waiting = new Map<string, (done: boolean) => void>()
  read: (id: number) => void = () => {}

  constructor(share: number, { ports, news }: Birth) {
    this.share = share
    this.ports = new Map(ports)
    this.#old = news
    cluster.worker?.on('message', (message: ToWorker) => this.#receive(message))
  }

  async once(name: string, work: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { promise: done, resolve } = Promise.withResolvers<boolean>()
    const giveUp = () => {
      this.#waiting.delete(name)
      resolve(true)
    }
    this.#waiting.set(name, resolve)
    send({ kind: 'want', name })
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    const isDone = await done
    signal.removeEventListener('abort', giveUp)
    if (isDone) return
    let worked = false
    try {
      worked = await work()
    } finally {
      send({ kind: 'done', name, done: worked })
    }
  }

  publish(news: News): void {
    send({ kind: 'news', news })
  }

  subscribe(listener: (news: News) => void): () => void {
    this.#listeners.add(listener)
    // `performance.now()` counts from the start of this process, when the parent computed `afterMs`.
    for (const news of this.#old) listener({ ...news, afterMs: Math.max(0, news.afterMs - performance.now()) })
    return () => this.#listeners.delete(listener)
  }

  send(message: FromWorker): void {
    send(message)
  }

  /** Sends the last message and disconnects, so that the process can exit. */
  async end(message: FromWorker): Promise<void> {
    const { worker } = cluster
    if (worker?.isConnected() !== true) return
    await new Promise<void>((resolve) => void worker.send(message, () => resolve()))
    worker.disconnect()
  }

  #receive(message: ToWorker): void {
    switch (message.kind) {
      case 'config':
        return // handled by `filesOfParent` before the daemon was created
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
    // This worker no longer waits for its turn: pass it on to the next.
    else if (!done) send({ kind: 'done', name, done: false })
  }
}

/** Sends a message unless the parent is gone; Node ends the workers of a parent that is gone. */
function send(message: FromWorker): void {
  // Without a callback, a send to a parent that is exiting would raise an error in this process.
  if (cluster.worker?.isConnected() === true) cluster.worker.send(message, () => {})
}
