/** Number of changes to events so far. */
export interface Changes {
  /** Events that were cut to the limit. */
  readonly cut: number
  /** Events that were split into parts. */
  readonly split: number
  /** Events over the limit that were left out. */
  readonly dropped: number
  /** Values that were nested too deep and replaced by a marker. */
  readonly tooDeep: number
  /** Documents of the embedded metric format that were wrong. */
  readonly invalidMetrics: number
  /** Invalid UTF-8 sequences that became U+FFFD. */
  readonly repaired: number
}

/** Returns a copy: the counts of a transcoder go on. */
export function changesOf({ cut, split, dropped, tooDeep, invalidMetrics, repaired }: Changes): Changes {
  return { cut, split, dropped, tooDeep, invalidMetrics, repaired }
}

/** Describes for the sender the changes between two moments; empty if there were none. */
export function describeChanges(before: Changes, after: Changes): string {
  return [
    counted(after.cut - before.cut, 'events were longer than max_event_bytes and cut'),
    counted(after.split - before.split, 'events were longer than max_event_bytes and split into parts'),
    counted(after.dropped - before.dropped, 'events were longer than max_event_bytes and dropped'),
    counted(after.tooDeep - before.tooDeep, 'values were nested too deep and replaced by a marker'),
    counted(
      after.invalidMetrics - before.invalidMetrics,
      'EMF documents were wrong and became plain logs (at most 100 metrics, a Timestamp, a Namespace)',
    ),
    counted(after.repaired - before.repaired, 'invalid UTF-8 sequences became U+FFFD'),
  ]
    .filter((text) => text !== '')
    .join(', ')
}

function counted(count: number, change: string): string {
  return count === 0 ? '' : `${count} ${change}`
}
