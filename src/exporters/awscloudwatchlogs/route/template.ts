import { MAX_NAME_LENGTH } from '../limits.ts'

// `log_group_name` and `log_stream_name`: text with placeholders.
//
//   /eks/{k8s.namespace.name}      any resource attribute, else a record attribute of that name
//   {ClusterName}                  the collector's ten short names; an attribute of that literal name comes first

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
  /** Literals around the placeholders: one more than `attributes`. */
  readonly literals: readonly string[]
  /** For each placeholder, the attributes that may fill it, in order of preference. */
  readonly attributes: readonly (readonly string[])[]
}

/** @returns Returns the template, or an error message */
export function parseTemplate(kind: NameKind, text: string): Template | string {
  if (text === '') return `is empty: write a name, such as /my-service or {service.name}`
  const literals: string[] = []
  const attributes: string[][] = []
  let at = 0
  for (const match of text.matchAll(/\{([^{}]*)\}/g)) {
    const name = (match[1] ?? '').trim()
    if (name === '')
      return `${JSON.stringify(text)} has an empty placeholder: write an attribute's name, such as {service.name}`
    literals.push(text.slice(at, match.index))
    const mapped = SHORT_NAMES[name]
    attributes.push(mapped === undefined ? [name] : [name, mapped])
    at = match.index + match[0].length
  }
  literals.push(text.slice(at))
  for (const literal of literals) {
    const illegal = literal.match(ILLEGAL[kind])
    if (illegal !== null) return `${JSON.stringify(text)} has ${JSON.stringify(illegal[0])}: ${RULE[kind]}`
  }
  if (kind === 'group' && RESERVED.test(text))
    return `${JSON.stringify(text)} starts with ${text.slice(0, 4)}, which AWS reserves: write /aws/… or another prefix`
  if (attributes.length === 0 && text.length > MAX_NAME_LENGTH)
    return `has ${text.length} characters: a name has at most ${MAX_NAME_LENGTH}`
  return { kind, literals, attributes }
}

/** The name with `values` for the placeholders (undefined or empty: `undefined`), made legal for CloudWatch. */
export function fillTemplate(template: Template, values: readonly (string | undefined)[]): string {
  let name = template.literals[0] ?? ''
  for (let i = 0; i < template.attributes.length; i++) {
    const value = values[i]
    name += (value === undefined || value === '' ? MISSING : value) + (template.literals[i + 1] ?? '')
  }
  return template.attributes.length === 0 ? name : legalName(template.kind, name)
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
