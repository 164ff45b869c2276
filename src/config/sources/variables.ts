import { Findings, type Problem } from '../yaml/findings.ts'
import { putNested } from '../yaml/merge.ts'
import { parseYaml } from '../yaml/parse-yaml.ts'
import type { Environment } from './retrieve.ts'
import { type Entry, type MapNode, type Node, placeAt, type Position } from '../yaml/tree.ts'

/** Two underscores, because Kubernetes sets `OTLP_CLOUDWATCH_PORT` and the like for a Service called otlp-cloudwatch. */
export const VARIABLE_PREFIX = 'OTLP_CLOUDWATCH__'

const EXPORTER = 'awscloudwatchlogs'

const PIPELINE = `
receivers: { otlp: { protocols: { grpc: {}, http: {} } } }
exporters: { ${EXPORTER}: {} }
service: { pipelines: { logs: { receivers: [otlp], exporters: [${EXPORTER}] } } }
`

/** Names of the AWS SDKs (`AWS_ENDPOINT_URL`) for keys of the exporter. */
const ALIASES: Readonly<Record<string, string>> = { endpoint_url: 'endpoint' }

/** Returns the variables that configure a daemon without YAML, in alphabetical order. */
export function exporterVariables(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(VARIABLE_PREFIX) && env[name] !== undefined)
    .toSorted()
}

/**
 * Returns the config of the `OTLP_CLOUDWATCH__*` variables: `otlp` with its defaults on both protocols, to `awscloudwatchlogs`
 * with a key for each variable (upper case, `__` where the YAML nests). Values are YAML, as in `${env:NAME}`.
 */
export function configFromVariables(env: Environment): MapNode {
  const at: Position = { source: `${VARIABLE_PREFIX}*` }
  const skeleton = parseYaml(PIPELINE, at.source, new Findings())
  const entries = new Map<string, Entry>(skeleton?.kind === 'map' ? placeAt(skeleton, at).entries : [])
  for (const name of exporterVariables(env)) {
    const at: Position = { source: name }
    const key = name.slice(VARIABLE_PREFIX.length).toLowerCase()
    // Like every variable in a config, the value is read as YAML, or as typed for a string field.
    const value: Node = { kind: 'scalar', at, value: `\${env:${name}}` }
    putNested(entries, `exporters::${EXPORTER}::${(ALIASES[key] ?? key).replaceAll('__', '::')}`, { keyAt: at, value })
  }
  return { kind: 'map', at, entries }
}

/** Replaces the path, which the operator did not write, by the variable in problems of set or missing variables. Sorts them. */
export function asVariables(problems: readonly Problem[]): Problem[] {
  const prefix = `exporters.${EXPORTER}.`
  const isOfVariable = ({ at, path }: Problem) => at.source.startsWith(VARIABLE_PREFIX) && path.startsWith(prefix)
  const named = problems.filter(isOfVariable).map((problem) => {
    const name = problem.path.slice(prefix.length).toUpperCase().replaceAll('.', '__')
    return { ...problem, at: { source: VARIABLE_PREFIX + name }, path: '' }
  })
  const sorted = named.toSorted((a, b) => (a.at.source < b.at.source ? -1 : 1))
  return [...sorted, ...problems.filter((problem) => !isOfVariable(problem))]
}
