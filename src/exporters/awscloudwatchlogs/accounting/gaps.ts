// Gap markers: when a lane that lost records delivers again, one event in the stream has the number of missing records, their
// time range and the reasons. Readers of the stream could not see the loss otherwise.

import type { ItemBatch } from '../../../delivery/contract/items.ts'
import { EVENT_OVERHEAD_BYTES } from '../limits.ts'

/** Maximum lanes with a recorded gap; more lanes get no marker. */
const MAX_GAPS = 10_000

export interface Gap {
  records: number
  /** Wall clock of the first and the last loss, ms. */
  readonly fromMs: number
  toMs: number
  readonly reasons: Map<string, number>
}

export class Gaps {
  readonly #gaps = new Map<string, Gap>()
  /** Markers written. */
  markers = 0

  note(lane: string, reason: string, records: number): void {
    const now = Date.now()
    let gap = this.#gaps.get(lane)
    if (gap === undefined) {
      if (this.#gaps.size >= MAX_GAPS) return
      gap = { records: 0, fromMs: now, toMs: now, reasons: new Map() }
      this.#gaps.set(lane, gap)
    }
    gap.records += records
    gap.toMs = now
    gap.reasons.set(reason, (gap.reasons.get(reason) ?? 0) + records)
  }

  /** Puts back a gap whose marker could not be written, merged with losses since. */
  putBack(lane: string, gap: Gap): void {
    const since = this.#gaps.get(lane)
    this.#gaps.set(lane, gap)
    if (since === undefined) return
    gap.records += since.records
    gap.toMs = since.toMs
    for (const [reason, records] of since.reasons) gap.reasons.set(reason, (gap.reasons.get(reason) ?? 0) + records)
  }

  /** Removes and returns the gap of a lane that delivers again. */
  take(lane: string): Gap | undefined {
    const gap = this.#gaps.get(lane)
    if (gap !== undefined) this.#gaps.delete(lane)
    return gap
  }
}

/** The marker event. @param now its time, ms */
export function gapMarker({ records, fromMs, toMs, reasons }: Gap, now = Date.now()): ItemBatch {
  const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()]
  const why = [...reasons].map(([reason, count]) => `${count} ${reason}`).join(', ')
  const message = JSON.stringify({
    body: `${records} records are missing here: lost from ${from} to ${to} (${why})`,
    severity_number: 13,
    severity_text: 'WARN',
    attributes: { gap: { records, from, to, reasons: Object.fromEntries(reasons) } },
    scope: { name: 'otlp-cloudwatch' },
  })
  const bytes = Buffer.from(`${JSON.stringify({ timestamp: now, message })},`)
  return {
    kind: 1,
    count: 1,
    bytes,
    index: Float64Array.of(bytes.length, now, Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES),
  }
}
