import { accepted, toSettle } from '../../component/consumer.ts'
import type { Outcome } from '../../accounting/outcome.ts'
import type { Rejections } from '../../accounting/rejections.ts'
import type { Progress } from './progress.ts'

/** Maximum length of a `partial_success` message: the sender logs it in one line. */
const MAX_MESSAGE_CHARS = 1_024

/** Returns the answer to the sender for a pipeline with one exporter. */
export function outcomeOfOne(part: Progress): Outcome {
  const { records, rejected, warning } = part.reservation
  if (part.failure !== undefined) return { ...part.failure, records }
  if (rejected.count === 0 && part.missed === undefined && warning === '') return accepted(records)
  return {
    kind: 'accepted',
    records,
    // A split record has several events, which may all be rejected.
    rejected: Math.min(records, rejected.count + missedBy(part)),
    ...(isPassing(part) && { passing: true }),
    message: join([describeRejected(rejected), describeMissed(part), warning]),
  }
}

/** An exporter's part of a fan-out, with the name used in answers to the sender. */
export interface NamedPart {
  readonly exporter: string
  readonly progress: Progress
}

/**
 * Returns the answer to the sender for a pipeline with several exporters. Exporters count the records they did not take and
 * do not identify them, so the rejected count is the smallest of theirs: at most that many records were taken by no exporter
 * (OTLP: a rejected record is gone). Everything else is a warning.
 *
 * If one exporter could not keep the request, the answer is a Retry although others kept it: a duplicate in those instead
 * of a loss in this one.
 */
export function outcomeOfAll(parts: readonly NamedPart[]): Outcome {
  for (const { progress } of parts)
    if (progress.failure !== undefined) return { ...progress.failure, records: progress.reservation.records }
  const texts: string[] = []
  for (const { exporter, progress } of parts) {
    const { rejected, warning } = progress.reservation
    if (rejected.count > 0) texts.push(`${exporter} did not take ${describeRejected(rejected)}`)
    if (progress.missed !== undefined) texts.push(`${exporter}: ${describeMissed(progress)}`)
    texts.push(warning)
  }
  const records = parts[0]?.progress.reservation.records ?? 0
  return {
    kind: 'accepted',
    records,
    ...(parts.some(({ progress }) => isPassing(progress)) && { passing: true }),
    rejected: Math.min(
      records,
      ...parts.map(({ progress }) => progress.reservation.rejected.count + missedBy(progress)),
    ),
    message: join(texts),
  }
}

/** Returns `2 too_old: <a sample>, 1 empty: …`; empty for none. */
function describeRejected({ byReason }: Rejections): string {
  return [...byReason].map(([reason, { count, sample }]) => `${count} ${reason}: ${sample}`).join(', ')
}

function describeMissed({ missed }: Progress): string {
  return missed === undefined ? '' : [...missed].map(([reason, count]) => `${count} ${reason}`).join(', ')
}

/** Whether every record found its lane full: there is room again when CloudWatch takes records. */
function isPassing({ reservation }: Progress): boolean {
  const { rejected } = reservation
  // Not compared with the records: a split one has several events, each of which counts.
  return (
    rejected.count > 0 && rejected.byReason.get('lane_full')?.count === rejected.count && toSettle(reservation) === 0
  )
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
