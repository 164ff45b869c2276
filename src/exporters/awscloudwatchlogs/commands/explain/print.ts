// How an explained record is shown.

import { isoTime } from '../../event/late-time.ts'
import { TYPE } from '../find-exporters.ts'
import type { Pipeline } from '../../../../component/command.ts'
import { oneLine } from '../tail/line.ts'
import type { ExplainedPart, ExplainedRecord } from './explain-record.ts'
import { STANDARD_USD_PER_GB } from '../../limits.ts'
import { INFREQUENT_USD_PER_GB, type Price, PRICES_OF, usdPerMillion } from './prices.ts'

/** Maximum characters of a message that people see; `--json` has all of it. */
const MAX_SHOWN = 2_000

/** A record in one exporter of one pipeline. */
export interface Shown {
  /** Counted from 1. */
  readonly record: number
  readonly pipeline: string
  readonly exporter: string
  readonly explained: ExplainedRecord
  readonly price: Price
}

/** One object a line. */
export function printJson({ record, pipeline, exporter, explained, price }: Shown): string {
  const { outcome, reason, destination, timestamp, message, parts, bytes, notes } = explained
  const isSent = outcome === 'event'
  return `${JSON.stringify({
    record,
    pipeline,
    exporter,
    outcome,
    reason,
    group: destination?.group,
    stream: destination?.stream,
    timestamp: timestamp === undefined ? undefined : isoTime(timestamp),
    message,
    parts: parts.length === 0 ? undefined : parts,
    bytes: destination === undefined ? undefined : bytes,
    notes,
    usd_per_million: isSent ? usdPerMillion(bytes, price.usdPerGb) : undefined,
    usd_per_gb: isSent ? price.usdPerGb : undefined,
    price: isSent ? price.source : undefined,
  })}\n`
}

/** Some lines for people. */
export function printText({ record, pipeline, exporter, explained, price }: Shown): string {
  const { outcome, reason, destination, timestamp, message, parts, bytes, notes } = explained
  const rows: [string, string][] = []
  if (outcome === 'rejected' || outcome === 'dropped') rows.push([outcome, reason ?? ''])
  if (destination !== undefined) rows.push(['group', destination.group], ['stream', destination.stream])
  if (outcome === 'dead_letter') rows.push(['not sent', `kept as a dead letter: ${reason}`])
  if (timestamp !== undefined) rows.push(['time', isoTime(timestamp)])
  if (parts.length > 0) rows.push(...parts.map(printPart))
  else if (message !== undefined) rows.push(['message', shortened(message)])
  if (destination !== undefined) rows.push(['bytes', `${bytes}, as CloudWatch counts them (UTF-8, and 26 an event)`])
  if (outcome === 'event')
    rows.push([
      'cost',
      `$${usdPerMillion(bytes, price.usdPerGb).toFixed(3)} per million such events ($${price.usdPerGb} per GB ingested: ${price.source})`,
    ])
  rows.push(...notes.map((note): [string, string] => ['note', note]))
  const lines = rows.map(([name, text]) => `  ${name.padEnd(8)}  ${oneLine(text)}\n`)
  return `record ${record}, ${pipeline} -> ${exporter}\n${lines.join('')}`
}

function printPart({ message }: ExplainedPart, at: number, { length }: readonly ExplainedPart[]): [string, string] {
  return ['message', `part ${at + 1} of ${length}: ${shortened(message)}`]
}

/** The stages of a pipeline. */
export function printPipeline({ name, receivers, processors, exporters }: Pipeline): string {
  const stages = [receivers.join(', '), ...processors.map(({ id }) => id), exporters.map(({ id }) => id).join(', ')]
  const lines = processors.map(({ id, shape }) => {
    const { flushIntervalMs, maxBatchEvents, budgetBytes, budgetShare } = shape
    const parts = [
      flushIntervalMs === undefined ? '' : `a put leaves after ${flushIntervalMs} ms`,
      maxBatchEvents === undefined ? '' : `a put has at most ${maxBatchEvents} events`,
      budgetBytes === undefined && budgetShare === undefined ? '' : 'bounds the memory of the daemon',
    ].filter((part) => part !== '')
    return `  ${id}: changes no record${parts.length === 0 ? '' : `; ${parts.join(', ')}`}\n`
  })
  const others = exporters
    .filter(({ type }) => type !== TYPE)
    .map(({ id }) => `  ${id}: gets every record; explain covers awscloudwatchlogs exporters\n`)
  return `pipeline ${name}: ${stages.join(' -> ')}\n${lines.join('')}${others.join('')}`
}

/** Advice about the log class; empty if none of the records is sent. */
export function classAdvice(sent: number, emf: number): string {
  if (sent === 0) return ''
  if (emf > 0)
    return `Log class: keep Standard. ${emf} of these events are EMF documents, and CloudWatch makes no metrics of them in Infrequent Access groups.\n`
  return (
    `Log class: a group of the Infrequent Access class costs $${INFREQUENT_USD_PER_GB} instead of $${STANDARD_USD_PER_GB} per GB (${PRICES_OF}). ` +
    'It has no metric filters, subscription filters, Live Tail or EMF metrics; the class is chosen when the group is created, and cannot be changed.\n'
  )
}

/** Whether CloudWatch makes metrics of the message (embedded metric format). */
export function isEmf(message: string): boolean {
  if (!message.startsWith('{') || !message.includes('"CloudWatchMetrics"')) return false
  try {
    const { _aws: metadata } = JSON.parse(message) as { readonly _aws?: { readonly CloudWatchMetrics?: unknown } }
    return Array.isArray(metadata?.CloudWatchMetrics)
  } catch {
    // A message that only looks like JSON.
    return false
  }
}

function shortened(message: string): string {
  if (message.length <= MAX_SHOWN) return message
  return `${message.slice(0, MAX_SHOWN)}… (${message.length - MAX_SHOWN} more characters: use --json)`
}
