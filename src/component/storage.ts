import type { Component } from './component.ts'

/** A storage extension: provides directories for queues that outlive the process. */
export interface QueueStorage {
  /**
   * Claims a directory for `owner` (an exporter's id, or `keysOwner`) that only this process uses; reuses one that an earlier process left.
   * @throws ComponentError if no directory can be created or locked
   */
  claim(owner: string): Promise<ClaimedDirectory>
}

/** Returns the owner under which a receiver keeps idempotency keys. @param id the receiver's id */
export function keysOwner(id: string): string {
  return `keys/${id}`
}

/** Whether a folder of a storage extension has keys, and no queue. */
export function isKeysFolder(name: string): boolean {
  return name.startsWith('keys_')
}

export interface ClaimedDirectory {
  readonly path: string
  /** False: records may be acknowledged before they are synced to disk. */
  readonly fsync: boolean
  /** Maximum bytes of a queue in the directory. */
  readonly capacityBytes: number
  /**
   * Claims the next unlocked directory of the same owner in which an earlier process left records.
   * @param except paths to skip
   * @throws ComponentError if the directories cannot be read
   */
  nextAbandoned(except: ReadonlySet<string>): Promise<AbandonedDirectory | undefined>
  /** Unlocks the directory for other processes. */
  release(): Promise<void>
}

/** A directory locked by this process until it is released. */
export interface AbandonedDirectory {
  readonly path: string
  release(): Promise<void>
}

export function isQueueStorage(component: Component | undefined): component is Component & QueueStorage {
  return component !== undefined && 'claim' in component
}
