import type { Batch, LogGroup, LogStream, Store } from './store.ts'

/** The context of an operation: one account in one region. */
export interface Account {
  readonly store: Store
  readonly journal: Journal
  readonly region: string
  /** 12 digits */
  readonly id: string
  /** ms since the epoch */
  readonly now: () => number
  /** Called for every put that stored events, before its response. */
  readonly onStored: (batch: Batch) => void
}

/**
 * Called after each change of the store and awaited before the response, so that answered changes survive a restart if the
 * journal keeps them.
 */
export interface Journal {
  groupChanged(group: LogGroup): Promise<void>
  groupDeleted(group: LogGroup): Promise<void>
  streamCreated(stream: LogStream): Promise<void>
  streamDeleted(stream: LogStream): Promise<void>
  appended(batch: Batch): Promise<void>
  /** The batch was evicted because `maxBytes` was reached. */
  evicted(batch: Batch): void
}
