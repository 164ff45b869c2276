import { hostname } from 'node:os'
import { Findings, type Problem } from '../yaml/findings.ts'
import { putNested } from '../yaml/merge.ts'
import { parseYaml } from '../yaml/parse-yaml.ts'
import { fapilogVariable } from './fapilog-variables.ts'
import type { Environment } from './retrieve.ts'
import { type Entry, type MapNode, type Node, placeAt, type Position } from '../yaml/tree.ts'

/** Two underscores, because Kubernetes sets `OTLP_CLOUDWATCH_PORT` and the like for a Service called otlp-cloudwatch. */
export const VARIABLE_PREFIX = 'OTLP_CLOUDWATCH__'

const EXPORTER = 'awscloudwatchlogs'
const EXPORTER_PATH = `exporters.${EXPORTER}.`

const PIPELINE = `
receivers: { otlp: { protocols: { grpc: {}, http: {} } } }
exporters: { ${EXPORTER}: {} }
service: { pipelines: { logs: { receivers: [otlp], exporters: [${EXPORTER}] } } }
`

interface Variable {
  readonly name: string
  /** The exporter's key, `__` where the YAML nests. */
  readonly key: string
  /** Its value, if that is not YAML. */
  readonly value: boolean | undefined
}

/** Returns the variables that configure a daemon without YAML, in alphabetical order. */
export function exporterVariables(env: Environment): string[] {
  return findVariables(env).map(({ name }) => name)
}

function findVariables(env: Environment): Variable[] {
  const own: Variable[] = []
  const ofFapilog: (Variable & { readonly isOfSink: boolean })[] = []
  for (const name of Object.keys(env).toSorted()) {
    const text = env[name]
    if (text === undefined) continue
    if (name.startsWith(VARIABLE_PREFIX))
      own.push({ name, key: name.slice(VARIABLE_PREFIX.length).toLowerCase(), value: undefined })
    const found = fapilogVariable(name, text)
    if (found !== undefined) ofFapilog.push({ name, ...found })
  }
  // fapilog's size guard may be meant for its other sinks.
  const wanted = own.length > 0 || ofFapilog.some(({ isOfSink }) => isOfSink)
  return wanted ? [...own, ...ofFapilog].toSorted((a, b) => (a.name < b.name ? -1 : 1)) : []
}

/**
 * Returns the config of the `OTLP_CLOUDWATCH__*` variables, and those of fapilog's sink: `otlp` with its defaults on both
 * protocols, to `awscloudwatchlogs` with a key for each variable (upper case, `__` where the YAML nests). Values are YAML, as
 * in `${env:NAME}`.
 */
export function configFromVariables(env: Environment, findings: Findings): MapNode {
  const at: Position = { source: `${VARIABLE_PREFIX}*` }
  const skeleton = parseYaml(PIPELINE, at.source, new Findings())
  const entries = new Map<string, Entry>(skeleton?.kind === 'map' ? placeAt(skeleton, at).entries : [])
  const variables = findVariables(env)
  const put = (key: string, source: string, value: string | boolean) => {
    const keyAt: Position = { source }
    const node: Node = { kind: 'scalar', at: keyAt, value }
    putNested(entries, `exporters::${EXPORTER}::${key.replaceAll('__', '::')}`, { keyAt, value: node })
  }
  const nameByKey = new Map<string, string>()
  for (const { name, key, value } of variables) {
    const other = nameByKey.get(key)
    if (other !== undefined)
      findings.problem({ source: name }, [], `sets the same option as ${other}: remove one of them`)
    nameByKey.set(key, name)
    // Like every variable in a config, the value is read as YAML, or as typed for a string field.
    put(key, name, value ?? `\${env:${name}}`)
  }
  if (variables.some(({ name }) => !name.startsWith(VARIABLE_PREFIX))) {
    for (const [key, value] of Object.entries(fapilogNames()))
      if (!nameByKey.has(key)) put(key, `${VARIABLE_PREFIX}${key.toUpperCase()}`, value)
  }
  return { kind: 'map', at, entries }
}

/** fapilog's names where none are set, but without the time in the stream's name: a restart goes on in the same stream. */
function fapilogNames(): Readonly<Record<string, string>> {
  return { log_group_name: '/fapilog/default', log_stream_name: hostname().replaceAll(/[:*$]/g, '_') }
}

/** Replaces the path, which the operator did not write, by the variable in problems of set or missing variables. Sorts them. */
export function asVariables(problems: readonly Problem[], env: Environment): Problem[] {
  const names = new Map(findVariables(env).map(({ name, key }) => [key, name]))
  const nameOf = (path: string) => {
    const key = path.slice(EXPORTER_PATH.length).replaceAll('.', '__')
    return names.get(key) ?? VARIABLE_PREFIX + key.toUpperCase()
  }
  const sources = new Set([`${VARIABLE_PREFIX}*`, ...names.values()])
  const isOfVariable = ({ at, path }: Problem) => sources.has(at.source) && path.startsWith(EXPORTER_PATH)
  const named = problems.filter(isOfVariable).map(({ path, message }) => ({
    at: { source: nameOf(path) },
    path: '',
    message: message.replaceAll(PATH_IN_MESSAGE, (written) => nameOf(written)),
  }))
  const sorted = named.toSorted((a, b) => (a.at.source < b.at.source ? -1 : 1))
  return [...sorted, ...problems.filter((problem) => !isOfVariable(problem))]
}

const PATH_IN_MESSAGE = /exporters\.awscloudwatchlogs\.[a-z_.]*[a-z]/g
