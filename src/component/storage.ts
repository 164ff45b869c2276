import type { Component } from './component.ts'

/** What a storage extension offers: directories for queues that outlive the process. */
export interface QueueStorage {
  /**
   * A directory of this process alone, for `owner` (an exporter's id). One that an earlier process left is taken up again.
   * @throws ComponentError if none can be made or locked
   */
  claim(owner: string): Promise<ClaimedDirectory>
}

export interface ClaimedDirectory {
  readonly path: string
  /** False: what is written may be acknowledged before the disk has it. */
  readonly fsync: boolean
  /** Most bytes a queue may take there. */
  readonly capacityBytes: number
  /**
   * Takes hold of a directory of the same owner in which a process that is gone left something: the next that nobody holds.
   * @param except paths that are not wanted now
   * @throws ComponentError if the directories cannot be read
   */
  nextAbandoned(except: ReadonlySet<string>): Promise<AbandonedDirectory | undefined>
  /** Lets another process have it. */
  release(): Promise<void>
}

/** Held by this process until it is released. */
export interface AbandonedDirectory {
  readonly path: string
  release(): Promise<void>
}

export function isQueueStorage(component: Component | undefined): component is Component & QueueStorage {
  return component !== undefined && 'claim' in component
}
