// How an event is shown: time, group, stream, severity, body, attributes.

import type { TailedEvent } from './follow.ts'

const RESET = '\u001b[0m'
const DIM = '\u001b[2m'
/** By the severity number of OpenTelemetry: TRACE 1, DEBUG 5, INFO 9, WARN 13, ERROR 17, FATAL 21. */
const SEVERITIES: readonly (readonly [from: number, name: string, color: string])[] = [
  [21, 'FATAL', '\u001b[35m'],
  [17, 'ERROR', '\u001b[31m'],
  [13, 'WARN', '\u001b[33m'],
  [9, 'INFO', '\u001b[32m'],
  [5, 'DEBUG', '\u001b[36m'],
  [1, 'TRACE', '\u001b[2m'],
]
const SEVERITY_WIDTH = 5

/** An event as one line of JSON. */
export function printLine({ timestamp, group, stream, message }: TailedEvent): string {
  return `${JSON.stringify({ timestamp: new Date(timestamp).toISOString(), group, stream, message })}\n`
}

/** For people. @returns prints an event as one line */
export function printLines(colors: boolean): (event: TailedEvent) => string {
  const paint = (text: string, color: string) => (colors && text !== '' ? `${color}${text}${RESET}` : text)
  return ({ timestamp, group, stream, message }) => {
    const { body, severity, color, attributes } = read(message)
    const parts = [
      paint(new Date(timestamp).toISOString(), DIM),
      paint(oneLine(`${group} ${stream}`), DIM),
      paint(oneLine(severity).padEnd(SEVERITY_WIDTH), color),
      oneLine(body),
      paint(oneLine(attributes), DIM),
    ]
    return `${parts.join(' ').trimEnd()}\n`
  }
}

interface Shown {
  readonly body: string
  readonly severity: string
  readonly color: string
  readonly attributes: string
}

/** Events of this exporter and of the Go collector are objects with a body; others are shown as they are. */
function read(message: string): Shown {
  const record = asObject(message)
  if (record === undefined || !('body' in record)) return { body: message, severity: '', color: '', attributes: '' }
  const { body, severity_text: text, severity_number: number, attributes } = record
  const known = SEVERITIES.find(([from]) => typeof number === 'number' && number >= from)
  return {
    body: asText(body),
    severity: typeof text === 'string' && text !== '' ? text : (known?.[1] ?? ''),
    color: known?.[2] ?? colorOf(text),
    attributes: attributes === undefined || attributes === null ? '' : asText(attributes),
  }
}

function colorOf(text: unknown): string {
  const name = typeof text === 'string' ? text.toUpperCase() : ''
  return SEVERITIES.find(([, known]) => name.startsWith(known))?.[2] ?? ''
}

function asObject(message: string): Readonly<Record<string, unknown>> | undefined {
  if (!message.startsWith('{')) return undefined
  try {
    return JSON.parse(message) as Record<string, unknown>
  } catch {
    // An event of another program that only looks like JSON.
    return undefined
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A message must not move the cursor, or set the title of a terminal. */
export function oneLine(text: string): string {
  return text.trimEnd().replaceAll(/\p{Cc}+/gu, ' ')
}
