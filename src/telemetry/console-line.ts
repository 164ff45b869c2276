import { describeError } from './describe-error.ts'
import type { Fields, Level } from './logger.ts'

// One line for people: 2026-11-21T10:00:00.000Z info  otlp  listening grpc=127.0.0.1:4317
//
// A field or a message may contain text from a client. Control characters are escaped and a line feed is followed by a tab,
// so that a client cannot forge a line of the daemon or move the cursor of a terminal.

/** @returns the line, ending in a line feed */
export function formatConsoleLine(time: Date, level: Level, message: string, fields: Fields): string {
  const { component, ...rest } = fields
  let line = `${time.toISOString()} ${level.padEnd(5)} `
  if (component !== undefined) line += `${formatValue(component)}  `
  line += escapeControl(message)
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined) line += ` ${key}=${formatValue(value)}`
  }
  return `${line}\n`
}

const NEEDS_NO_QUOTES = /^[^\s"=\\\p{Cc}]+$/u

function formatValue(value: unknown): string {
  if (value instanceof Error) return quote(describeError(value))
  if (typeof value === 'string') return NEEDS_NO_QUOTES.test(value) ? value : quote(value)
  if (typeof value === 'object' && value !== null) return escapeControl(toJson(value))
  return String(value)
}

function quote(text: string): string {
  return escapeControl(JSON.stringify(text))
}

function toJson(value: object): string {
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner))
}

function escapeControl(text: string): string {
  return text
    .replaceAll('\n', '\n\t')
    .replace(/(?!\n|\t)\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
