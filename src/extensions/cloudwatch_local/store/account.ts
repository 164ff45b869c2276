import type { Batch, LogGroup, LogStream, Store } from './store.ts'

/** What an operation works on: one account in one region. */
export interface Account {
  readonly store: Store
  readonly journal: Journal
  readonly region: string
  /** 12 digits */
  readonly id: string
  /** ms since the epoch */
  readonly now: () => number
  /** Hears of every put that stored something, before it is answered. */
  readonly onStored: (batch: Batch) => void
}

/**
 * Hears of every change after the store has made it, and is waited for before the answer: what was answered survives a
 * restart if the journal keeps it.
 */
export interface Journal {
  groupChanged(group: LogGroup): Promise<void>
  groupDeleted(group: LogGroup): Promise<void>
  streamCreated(stream: LogStream): Promise<void>
  streamDeleted(stream: LogStream): Promise<void>
  appended(batch: Batch): Promise<void>
  /** The bound pushed it out of the store. */
  evicted(batch: Batch): void
}
