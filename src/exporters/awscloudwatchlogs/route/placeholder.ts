// One placeholder of a name template, between its braces: alternatives in order of preference.
//
//   {k8s.namespace.name|service.name:lower|"unknown"}
//
//   a.b             attribute of the resource, the scope or the record
//   'a:b'           attribute whose name has a colon, a bar or a prefix of this list
//   metadata.x      header or gRPC metadata of the request
//   time:%Y-%m-%d   the event's time in UTC
//   "text"          this text

import { parseTimeFormat, type TimeFormat } from './time-format.ts'

/** The collector's short names and the attributes they stand for (awscloudwatchlogsexporter, util.go). */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  ClusterName: 'aws.ecs.cluster.name',
  TaskId: 'aws.ecs.task.id',
  NodeName: 'k8s.node.name',
  PodName: 'pod',
  ServiceName: 'service.name',
  ContainerInstanceId: 'aws.ecs.container.instance.id',
  TaskDefinitionFamily: 'aws.ecs.task.family',
  InstanceId: 'service.instance.id',
  FaasName: 'faas.name',
  FaasVersion: 'faas.version',
}

export type LetterCase = 'lower' | 'upper'

export type Alternative =
  /** The names are in order of preference; there are two for a short name. */
  | { readonly from: 'attribute'; readonly names: readonly string[]; readonly letterCase?: LetterCase }
  | { readonly from: 'metadata'; readonly name: string; readonly letterCase?: LetterCase }
  | { readonly from: 'time'; readonly format: TimeFormat }
  | { readonly from: 'text'; readonly text: string }

export type Placeholder = readonly Alternative[]

const METADATA = 'metadata.'
const TIME = 'time:'
/** A token of RFC 9110, the name of an HTTP header; gRPC allows fewer characters. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** One alternative and the bar or end after it: "text", 'name' or name; quotes contain anything but themselves. */
const ALTERNATIVE = /\s*("[^"]*"|'[^']*'(?:\s*:\s*\w*)?|[^|"']*?)\s*(\||$)/y

/** @returns Returns the placeholder, or an error message */
export function parsePlaceholder(text: string): Placeholder | string {
  const alternatives: Alternative[] = []
  ALTERNATIVE.lastIndex = 0
  for (;;) {
    const match = ALTERNATIVE.exec(text)
    if (match === null) return `has unmatched quotes in {${text}}: write "text" for a default, 'name' for an attribute`
    const alternative = parseAlternative(match[1] ?? '')
    if (typeof alternative === 'string') return alternative
    const last = alternatives.at(-1)
    if (last?.from === 'text' || last?.from === 'time')
      return `has ${match[1]} in {${text}}, which is never used: the alternative before it always has a value`
    alternatives.push(alternative)
    if (match[2] === '') break
  }
  if (alternatives.length === 1 && alternatives[0]?.from === 'text')
    return `has only a text in {${text}}: write the text without braces, or an attribute before it`
  return alternatives
}

function parseAlternative(text: string): Alternative | string {
  if (text === '') return "has an empty placeholder: write an attribute's name, such as {service.name}"
  if (text.startsWith('"')) {
    const literal = text.slice(1, -1)
    return literal === '' ? 'has an empty default "": write a text, such as "unknown"' : { from: 'text', text: literal }
  }
  if (text.startsWith("'")) {
    const end = text.indexOf("'", 1)
    const name = text.slice(1, end)
    if (name === '') return "has an empty placeholder: write an attribute's name, such as {service.name}"
    const rest = text.slice(end + 1).trim()
    return attribute([name], rest === '' ? undefined : rest.slice(1).trim())
  }
  if (text.startsWith(TIME)) {
    const format = parseTimeFormat(text.slice(TIME.length))
    return typeof format === 'string' ? format : { from: 'time', format }
  }
  const colon = text.lastIndexOf(':')
  const name = (colon < 0 ? text : text.slice(0, colon)).trim()
  const written = colon < 0 ? undefined : text.slice(colon + 1).trim()
  if (name === '') return "has an empty placeholder: write an attribute's name, such as {service.name}"
  if (!name.startsWith(METADATA)) {
    const mapped = Object.hasOwn(SHORT_NAMES, name) ? SHORT_NAMES[name] : undefined
    return attribute(mapped === undefined ? [name] : [name, mapped], written)
  }
  const header = name.slice(METADATA.length)
  if (!HEADER_NAME.test(header))
    return `has ${JSON.stringify(name)}, and no header is named ${JSON.stringify(header)}: write a name such as metadata.x-tenant`
  const letterCase = parseCase(written, name)
  if (letterCase !== undefined && !isCase(letterCase)) return letterCase
  return { from: 'metadata', name: header.toLowerCase(), ...(letterCase !== undefined && { letterCase }) }
}

function attribute(names: readonly [string, ...string[]], written: string | undefined): Alternative | string {
  const letterCase = parseCase(written, names[0])
  if (letterCase === undefined) return { from: 'attribute', names }
  return isCase(letterCase) ? { from: 'attribute', names, letterCase } : letterCase
}

/** @returns Returns the case, undefined if none is written, or an error message */
function parseCase(written: string | undefined, name: string): string | undefined {
  if (written === undefined || isCase(written)) return written
  return `has the format ${JSON.stringify(written)} after ${JSON.stringify(name)}: write lower or upper; an attribute whose name has a colon needs single quotes: {'${name}:${written}'}`
}

function isCase(text: string): text is LetterCase {
  return text === 'lower' || text === 'upper'
}
