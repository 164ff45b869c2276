import { invalidParameter } from '../api/service-error.ts'

// The part of CloudWatch's filter pattern syntax that is understood here:
//   word "a phrase"        all of them are in the message, upper and lower case apart
//   ?one ?"the other"      any of them
//   -word -"a phrase"      none of them
//   { $.a.b = "x" }        the message is JSON and that member is the text, or { $.a = 5 } the number;
//                          a member with odd characters is written $['service.name']

type Matcher = (message: string) => boolean

const TERM = /\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([\w.]+))(?=\s|$)/y
const JSON_EQUALITY =
  /^\{\s*\$((?:\.[\w-]+|\.?\[(?:'[^']+'|"[^"]+"|\d+)\])+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?))\s*\}$/

/** @throws ServiceError InvalidParameterException for a pattern that is not understood */
export function compileFilterPattern(pattern: string): Matcher {
  const text = pattern.trim()
  if (text === '') return () => true
  return text.startsWith('{') ? compileJson(text) : compileTerms(text)
}

function compileTerms(text: string): Matcher {
  const all: string[] = []
  const any: string[] = []
  const none: string[] = []
  TERM.lastIndex = 0
  while (TERM.lastIndex < text.length) {
    const match = TERM.exec(text)
    if (match === null) throw notUnderstood(text)
    const term = match[2] === undefined ? (match[3] ?? '') : unescape(match[2])
    ;(match[1] === '?' ? any : match[1] === '-' ? none : all).push(term)
  }
  return (message) =>
    all.every((term) => message.includes(term)) &&
    (any.length === 0 || any.some((term) => message.includes(term))) &&
    !none.some((term) => message.includes(term))
}

function compileJson(text: string): Matcher {
  const match = JSON_EQUALITY.exec(text)
  if (match === null) throw notUnderstood(text)
  const path = [...(match[1] ?? '').matchAll(/\.?\[(?:'([^']+)'|"([^"]+)"|(\d+))\]|\.([\w-]+)/g)].map(
    ([, single, double, index, plain]) => single ?? double ?? index ?? plain ?? '',
  )
  const wanted = match[2] === undefined ? Number(match[3]) : unescape(match[2])
  return (message) => {
    if (!message.startsWith('{')) return false
    let value: unknown
    try {
      value = JSON.parse(message)
    } catch {
      return false // not JSON: matches no JSON pattern
    }
    for (const member of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, member)) return false
      value = (value as Record<string, unknown>)[member]
    }
    return value === wanted
  }
}

function unescape(quoted: string): string {
  return quoted.replaceAll(/\\(.)/g, '$1')
}

function notUnderstood(text: string) {
  return invalidParameter(
    `Invalid filter pattern: ${text} (cloudwatch_local understands words, "quoted phrases", ?any, -none and { $.member = "text" })`,
  )
}
