import { accepted, type RejectedRecord } from '../component/consumer.ts'
import type { Outcome } from '../accounting/outcome.ts'
import type { Progress } from './progress.ts'

/** Longest text in a `partial_success`: it ends up in a line of the sender's own log. */
const MAX_MESSAGE_CHARS = 1_024

/** What the sender is told once the exporter that stands alone in its pipeline has the request. */
export function outcomeOfOne(part: Progress): Outcome {
  if (part.failure !== undefined) return part.failure
  const { records, rejected, warning } = part.reservation
  if (rejected.length === 0 && part.missed === undefined && warning === '') return accepted(records)
  return {
    kind: 'accepted',
    records,
    rejected: rejected.length + missedBy(part),
    message: join([tellRejected(rejected), tellMissed(part), warning]),
  }
}

/** An exporter's share in a fan-out, with the name the sender is told. */
export interface NamedPart {
  readonly exporter: string
  readonly progress: Progress
}

/**
 * What the sender is told once every exporter of the pipelines has the request. Only records that no exporter took are
 * told as rejected (OTLP: a rejected record is gone); what some took is a warning.
 *
 * One exporter that could not keep the request makes the whole of it a Retry, although others kept it: a double there
 * instead of a loss here.
 */
export function outcomeOfAll(parts: readonly NamedPart[]): Outcome {
  for (const { progress } of parts) if (progress.failure !== undefined) return progress.failure
  const rejected = rejectedByAll(parts)
  const texts = [tellRejected(rejected)]
  for (const { exporter, progress } of parts) {
    const { reservation } = progress
    const elsewhere =
      rejected.length === 0 ? reservation.rejected : reservation.rejected.filter(({ index }) => !has(rejected, index))
    if (elsewhere.length > 0) texts.push(`${exporter} did not take ${tellRejected(elsewhere)}`)
    if (progress.missed !== undefined) texts.push(`${exporter}: ${tellMissed(progress)}`)
    texts.push(reservation.warning)
  }
  return {
    kind: 'accepted',
    records: parts[0]?.progress.reservation.records ?? 0,
    rejected: rejectedCount(parts, rejected),
    message: join(texts),
  }
}

/** Settlements have counts and no places: where there are some, the least number that any one exporter missed. */
function rejectedCount(parts: readonly NamedPart[], rejected: readonly RejectedRecord[]): number {
  if (parts.every(({ progress }) => progress.missed === undefined)) return rejected.length
  return Math.min(...parts.map(({ progress }) => progress.reservation.rejected.length + missedBy(progress)))
}

function rejectedByAll(parts: readonly NamedPart[]): readonly RejectedRecord[] {
  let common: readonly RejectedRecord[] | undefined
  for (const { progress } of parts) {
    const { rejected } = progress.reservation
    if (rejected.length === 0) return []
    common = common === undefined ? rejected : common.filter(({ index }) => has(rejected, index))
  }
  return common ?? []
}

/** Whether a list that ascends by index has this one. */
function has(records: readonly RejectedRecord[], index: number): boolean {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle]?.index ?? Infinity) < index) low = middle + 1
    else high = middle
  }
  return records[low]?.index === index
}

/** `2 too_old: <the first one's message>, 1 empty: …`; empty for none. */
function tellRejected(records: readonly RejectedRecord[]): string {
  const byReason = new Map<string, { count: number; message: string }>()
  for (const { reason, message } of records) {
    const known = byReason.get(reason)
    if (known === undefined) byReason.set(reason, { count: 1, message })
    else known.count++
  }
  return [...byReason].map(([reason, { count, message }]) => `${count} ${reason}: ${message}`).join(', ')
}

function tellMissed({ missed }: Progress): string {
  return missed === undefined ? '' : [...missed].map(([reason, count]) => `${count} ${reason}`).join(', ')
}

function missedBy({ missed }: Progress): number {
  let records = 0
  for (const count of missed?.values() ?? []) records += count
  return records
}

function join(texts: readonly string[]): string {
  const message = texts.filter((text) => text !== '').join('; ')
  return message.length <= MAX_MESSAGE_CHARS ? message : `${message.slice(0, MAX_MESSAGE_CHARS - 1)}…`
}
