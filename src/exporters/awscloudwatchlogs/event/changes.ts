/** How much of what was written is not what was sent, so far. */
export interface Changes {
  /** Events cut because they were over the limit. */
  readonly cut: number
  /** Values nested too deep, which became a marker. */
  readonly tooDeep: number
  /** Invalid UTF-8 sequences that became U+FFFD. */
  readonly repaired: number
}

/** What a sender is told of what changed between two moments; empty if nothing did. */
export function tellChanges(before: Changes, after: Changes): string {
  return [
    told(after.cut - before.cut, 'events were longer than max_event_bytes and cut'),
    told(after.tooDeep - before.tooDeep, 'values were nested too deep and became a marker'),
    told(after.repaired - before.repaired, 'invalid UTF-8 sequences became U+FFFD'),
  ]
    .filter((text) => text !== '')
    .join(', ')
}

function told(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}`
}
