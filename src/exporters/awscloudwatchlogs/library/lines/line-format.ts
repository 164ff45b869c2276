import { hostname } from 'node:os'
import { type Plain, type PlainMap, plainJson } from './plain-value.ts'

// `format`: the message of an event from a template with the placeholders of Elixir's Logger.

/** The parts of a log call that a template can show. */
export interface Line {
  readonly timeMs: number
  readonly level: string
  readonly message: Plain
  readonly metadata: PlainMap
}

const PLACEHOLDERS = ['time', 'date', 'level', 'levelpad', 'message', 'metadata', 'node'] as const
type Placeholder = (typeof PLACEHOLDERS)[number]
type Part = { readonly text: string } | { readonly placeholder: Placeholder }

/** Characters of the longest common level, `error`: `$levelpad` fills up to it. */
const PADDED_LEVEL = 5

export class LineFormat {
  readonly #parts: readonly Part[]
  readonly #node = hostname()

  private constructor(parts: readonly Part[]) {
    this.#parts = parts
  }

  /** @returns Returns a description of the problem if the template has one */
  static parse(template: unknown): LineFormat | string {
    if (typeof template !== 'string')
      return `${typeof template} is not a string: write a template such as "[$level] $message"`
    const parts: Part[] = []
    // A line feed at the end separates lines in a file; every event is one by itself.
    const text = template.replace(/\n+$/, '')
    let at = 0
    for (const match of text.matchAll(/\$([a-zA-Z_]*)/g)) {
      const name = match[1] ?? ''
      const placeholder = PLACEHOLDERS.find((each) => each === name)
      if (placeholder === undefined)
        return `"$${name}" is not a placeholder: write one of ${PLACEHOLDERS.map((each) => `$${each}`).join(' ')}`
      if (match.index > at) parts.push({ text: text.slice(at, match.index) })
      parts.push({ placeholder })
      at = match.index + match[0].length
    }
    if (at < text.length) parts.push({ text: text.slice(at) })
    if (!parts.some((part) => 'placeholder' in part))
      return 'has no placeholder, so that all events would be equal: write $message'
    return new LineFormat(parts)
  }

  format(line: Line): string {
    let text = ''
    for (const part of this.#parts) text += 'text' in part ? part.text : this.#value(part.placeholder, line)
    return text
  }

  #value(placeholder: Placeholder, { timeMs, level, message, metadata }: Line): string {
    switch (placeholder) {
      case 'time':
        return new Date(timeMs).toISOString().slice(11, 23)
      case 'date':
        return new Date(timeMs).toISOString().slice(0, 10)
      case 'level':
        return level
      case 'levelpad':
        return ' '.repeat(Math.max(0, PADDED_LEVEL - level.length))
      case 'message':
        return shown(message)
      case 'metadata':
        return pairs(metadata)
      case 'node':
        return this.#node
    }
  }
}

/** `key=value ` for each, with the space after it, so that `$metadata$message` needs no space of its own. */
function pairs(metadata: PlainMap): string {
  let text = ''
  for (const key of Object.keys(metadata)) text += `${key}=${shown(metadata[key] ?? null)} `
  return text
}

function shown(value: Plain): string {
  return typeof value === 'string' ? value : plainJson(value)
}
