import { accepted } from '../../component/consumer.ts'
import type { Outcome } from '../../accounting/outcome.ts'
import type { Rejections } from '../../accounting/rejections.ts'
import type { Progress } from './progress.ts'

/** Longest text in a `partial_success`: it ends up in a line of the sender's own log. */
const MAX_MESSAGE_CHARS = 1_024

/** What the sender is told once the exporter that stands alone in its pipeline has the request. */
export function outcomeOfOne(part: Progress): Outcome {
  const { records, rejected, warning } = part.reservation
  if (part.failure !== undefined) return { ...part.failure, records }
  if (rejected.count === 0 && part.missed === undefined && warning === '') return accepted(records)
  return {
    kind: 'accepted',
    records,
    rejected: rejected.count + missedBy(part),
    message: join([tellRejected(rejected), tellMissed(part), warning]),
  }
}

/** An exporter's share in a fan-out, with the name the sender is told. */
export interface NamedPart {
  readonly exporter: string
  readonly progress: Progress
}

/**
 * What the sender is told once every exporter of the pipelines has the request. Exporters count what they did not take and
 * do not say which records those were, so the number told as rejected is the smallest of theirs: at most so many records
 * were taken by none (OTLP: a rejected record is gone). Everything else is a warning.
 *
 * One exporter that could not keep the request makes the whole of it a Retry, although others kept it: a duplicate there
 * instead of a loss here.
 */
export function outcomeOfAll(parts: readonly NamedPart[]): Outcome {
  for (const { progress } of parts)
    if (progress.failure !== undefined) return { ...progress.failure, records: progress.reservation.records }
  const texts: string[] = []
  for (const { exporter, progress } of parts) {
    const { rejected, warning } = progress.reservation
    if (rejected.count > 0) texts.push(`${exporter} did not take ${tellRejected(rejected)}`)
    if (progress.missed !== undefined) texts.push(`${exporter}: ${tellMissed(progress)}`)
    texts.push(warning)
  }
  return {
    kind: 'accepted',
    records: parts[0]?.progress.reservation.records ?? 0,
    rejected: Math.min(...parts.map(({ progress }) => progress.reservation.rejected.count + missedBy(progress))),
    message: join(texts),
  }
}

/** `2 too_old: <a sample of them>, 1 empty: …`; empty for none. */
function tellRejected({ byReason }: Rejections): string {
  return [...byReason].map(([reason, { count, sample }]) => `${count} ${reason}: ${sample}`).join(', ')
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
