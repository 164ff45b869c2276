// Requests, and records of them, that the exporter refuses, in the words of the answer.

import type { Refused } from '../../accounting/outcome.ts'
import { RejectionCounter, type Rejections } from '../../accounting/rejections.ts'
import type { Queue } from '../../delivery/contract/queue.ts'
import type { TextTooLong } from '../../wire/json-text.ts'
import type { Transcoded } from './event/transcode.ts'

/** Whether the sender may not write any record of the request. */
export function isNotPermitted({ records, rejected }: Transcoded): boolean {
  return records > 0 && rejected.byReason.get('not_permitted')?.count === records
}

export function notPermitted({ records, rejected }: Transcoded): Refused {
  const message = `${records} not_permitted: ${rejected.byReason.get('not_permitted')?.sample ?? ''}`
  return { kind: 'refused', cause: 'permission_denied', message, records }
}

/** Not a retry: the sender would repeat the request forever. */
export function tooLargeForQueue({ capacity }: Queue): Refused {
  const message = `the request alone exceeds the maximum queue size (${capacity}): send fewer records in one request`
  return { kind: 'refused', cause: 'too_large', message }
}

export function tooLarge(error: TextTooLong): Refused {
  return {
    kind: 'refused',
    cause: 'too_large',
    message: `the events of this request would take ${error.message}: send fewer records in one request`,
  }
}

/** Adds the records of lanes over their share of the queue. */
export function withLaneFull({ rejected, routed }: Transcoded, overShare: readonly number[]): Rejections {
  const all = new RejectionCounter()
  all.addAll(rejected)
  for (const place of overShare) {
    const full = routed[place]
    if (full === undefined) continue
    const { group, stream } = full.destination
    const sample = `log group ${group}, stream ${stream} cannot be written and holds more than its share of the queue`
    all.add('lane_full', full.items.count, sample)
  }
  return all
}
