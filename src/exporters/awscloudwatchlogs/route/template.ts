import { MAX_NAME_LENGTH } from '../limits.ts'
import { parsePlaceholder, type Placeholder } from './placeholder.ts'

// `log_group_name` and `log_stream_name`: text with placeholders.
//
//   /eks/{k8s.namespace.name}      any resource attribute, else a scope or record attribute of that name
//   {ClusterName}                  the collector's ten short names; an attribute of that literal name comes first
//   {a|b:lower|"unknown"}          the first that has a value

/** Replaces a missing or empty attribute, as in the collector. */
const MISSING = 'undefined'

export type NameKind = 'group' | 'stream'

/** Characters that are illegal in log group and log stream names. */
const ILLEGAL: Readonly<Record<NameKind, RegExp>> = { group: /[^.\-_/#A-Za-z0-9]/gu, stream: /[:*]/gu }
const RULE: Readonly<Record<NameKind, string>> = {
  group: 'a log group name holds letters, digits and . - _ / #',
  stream: 'a log stream name holds no : and no *',
}

/** Names that AWS reserves, in any case: CreateLogGroup refuses `AWS/x` and `Aws/x` like `aws/x`. */
const RESERVED = /^(aws)\//i

export interface Template {
  readonly kind: NameKind
  /** Literals around the placeholders: one more than `placeholders`. */
  readonly literals: readonly string[]
  readonly placeholders: readonly Placeholder[]
}

/** @returns Returns the template, or an error message */
export function parseTemplate(kind: NameKind, text: string): Template | string {
  if (text === '') return `is empty: write a name, such as /my-service or {service.name}`
  const literals: string[] = []
  const placeholders: Placeholder[] = []
  let at = 0
  for (const match of text.matchAll(/\{([^{}]*)\}/g)) {
    const placeholder = parsePlaceholder((match[1] ?? '').trim())
    if (typeof placeholder === 'string') return `${JSON.stringify(text)} ${placeholder}`
    literals.push(text.slice(at, match.index))
    placeholders.push(placeholder)
    at = match.index + match[0].length
  }
  literals.push(text.slice(at))
  for (const literal of [...literals, ...placeholders.flatMap(fixedTexts)]) {
    const illegal = literal.match(ILLEGAL[kind])
    if (illegal !== null) return `${JSON.stringify(text)} has ${JSON.stringify(illegal[0])}: ${RULE[kind]}`
  }
  if (kind === 'group' && RESERVED.test(text))
    return `${JSON.stringify(text)} starts with ${text.slice(0, 4)}, which AWS reserves: write /aws/… or another prefix`
  return lengthProblem(literals.join('').length, placeholders.length) ?? { kind, literals, placeholders }
}

/** The texts of the operator in a placeholder. */
function fixedTexts(placeholder: Placeholder): string[] {
  return placeholder.flatMap((alternative) => {
    if (alternative.from === 'text') return alternative.text
    return alternative.from === 'time' ? alternative.format.parts.filter((part) => !part.startsWith('%')) : []
  })
}

/** A placeholder after 512 characters would be cut off, whatever its value. */
function lengthProblem(characters: number, placeholders: number): string | undefined {
  if (characters > MAX_NAME_LENGTH) return `has ${characters} characters: a name has at most ${MAX_NAME_LENGTH}`
  if (placeholders > 0 && characters === MAX_NAME_LENGTH)
    return `has ${characters} characters besides its placeholders, which leaves no room for them: a name has at most ${MAX_NAME_LENGTH}`
  return undefined
}

/** The name with `values` for the placeholders (undefined or empty: `undefined`), made legal for CloudWatch. */
export function fillTemplate(template: Template, values: readonly (string | undefined)[]): string {
  let name = template.literals[0] ?? ''
  for (let i = 0; i < template.placeholders.length; i++) {
    const value = values[i]
    name += (value === undefined || value === '' ? MISSING : value) + (template.literals[i + 1] ?? '')
  }
  return template.placeholders.length === 0 ? name : legalName(template.kind, name)
}

/** Makes a legal name of any string: illegal characters become `_`, and it is cut to 512 characters. */
export function legalName(kind: NameKind, text: string): string {
  let name = text.replace(ILLEGAL[kind], '_')
  if (kind === 'group') name = name.replace(RESERVED, '$1_')
  return (name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name).toWellFormed()
}

/** The common prefix of all names of the template. */
export function literalPrefix(template: Template): string {
  return template.literals[0] ?? ''
}

/** The names of request metadata that the template uses. */
export function metadataNames({ placeholders }: Template): string[] {
  return placeholders.flat().flatMap((alternative) => (alternative.from === 'metadata' ? alternative.name : []))
}
