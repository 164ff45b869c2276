// Date parts of a name template: {time:%Y/%m/%d}. The directives are those of strftime, always in UTC.

interface Directive {
  /** The text changes only at multiples of this, ms. */
  readonly stepMs: number
  readonly text: (time: Date) => string
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** The last time that has a calendar date in JavaScript (ECMA-262, 21.4.1.1). */
const MAX_TIME_MS = 8.64e15

const two = (value: number) => String(value).padStart(2, '0')

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  '%Y': { stepMs: DAY_MS, text: (time) => String(time.getUTCFullYear()).padStart(4, '0') },
  '%m': { stepMs: DAY_MS, text: (time) => two(time.getUTCMonth() + 1) },
  '%d': { stepMs: DAY_MS, text: (time) => two(time.getUTCDate()) },
  '%j': {
    stepMs: DAY_MS,
    text: (time) =>
      String(Math.floor((time.getTime() - Date.UTC(time.getUTCFullYear(), 0)) / DAY_MS) + 1).padStart(3, '0'),
  },
  '%H': { stepMs: HOUR_MS, text: (time) => two(time.getUTCHours()) },
  '%M': { stepMs: MINUTE_MS, text: (time) => two(time.getUTCMinutes()) },
}

export interface TimeFormat {
  /** Literals and directives, in order. */
  readonly parts: readonly string[]
  /** The text changes only at multiples of this, ms. */
  readonly stepMs: number
}

/** @returns Returns the format, or an error message */
export function parseTimeFormat(text: string): TimeFormat | string {
  const parts = text.match(/%.|[^%]+|%$/gsu) ?? []
  const directives = parts.filter((part) => part.startsWith('%'))
  const known = Object.keys(DIRECTIVES).join(' ')
  const unknown = directives.find((part) => !Object.hasOwn(DIRECTIVES, part))
  if (unknown !== undefined) return `has ${JSON.stringify(unknown)} in {time:${text}}: the date parts are ${known}`
  if (directives.length === 0)
    return `has no date part in {time:${text}}: write one of ${known}; an attribute of this name needs single quotes`
  return { parts, stepMs: Math.min(...directives.map((part) => DIRECTIVES[part]?.stepMs ?? DAY_MS)) }
}

/** @param timeMs ms since the epoch */
export function formatTime({ parts }: TimeFormat, timeMs: number): string {
  const time = new Date(Math.min(timeMs, MAX_TIME_MS))
  let text = ''
  for (const part of parts) text += DIRECTIVES[part]?.text(time) ?? part
  return text
}
