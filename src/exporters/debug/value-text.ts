import type { AnyValue } from '../../otlp/logs.ts'

/** A value for people: a string as it is, everything else as JSON. On one line, without control characters. */
export function valueText(value: AnyValue): string {
  if (typeof value === 'string') return onOneLine(value)
  if (value instanceof Uint8Array) return base64(value)
  return value === null ? '' : onOneLine(jsonText(value))
}

/** The same with its OTLP type: `Str(hello)`, `Int(5)`. */
export function typedText(value: AnyValue): string {
  return `${typeName(value)}(${valueText(value)})`
}

/** Escapes control characters, so that a client's text cannot forge a line or move the cursor of a terminal. */
export function onOneLine(text: string): string {
  return text
    .replaceAll('\n', '\\n')
    .replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function typeName(value: AnyValue): string {
  if (value === null) return 'Empty'
  if (value instanceof Uint8Array) return 'Bytes'
  if (value instanceof Map) return 'Map'
  if (typeof value === 'string') return 'Str'
  if (typeof value === 'bigint') return 'Int'
  if (typeof value === 'number') return 'Double'
  return typeof value === 'boolean' ? 'Bool' : 'Slice'
}

/** JSON with all 64 bits of integers, which JSON.stringify cannot write; NaN and infinities are strings. */
function jsonText(value: AnyValue): string {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`
  if (value instanceof Uint8Array) return `"${base64(value)}"`
  if (value instanceof Map) {
    const pairs = [...value].map(([key, inner]) => `${JSON.stringify(key)}:${jsonText(inner)}`)
    return `{${pairs.join(',')}}`
  }
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  return JSON.stringify(value)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
