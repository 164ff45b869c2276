import { Findings, type Problem } from '../yaml/findings.ts'
import { putNested } from '../yaml/merge.ts'
import { parseYaml } from '../yaml/parse-yaml.ts'
import type { Environment } from './retrieve.ts'
import { type Entry, type MapNode, type Node, placeAt, type Position } from '../yaml/tree.ts'

/** Two underscores: Kubernetes sets `OTLP_CLOUDWATCH_PORT` and the like for a Service called otlp-cloudwatch. */
export const VARIABLE_PREFIX = 'OTLP_CLOUDWATCH__'

const EXPORTER = 'awscloudwatchlogs'

const PIPELINE = `
receivers: { otlp: { protocols: { grpc: {}, http: {} } } }
exporters: { ${EXPORTER}: {} }
service: { pipelines: { logs: { receivers: [otlp], exporters: [${EXPORTER}] } } }
`

/** The name the AWS SDKs have for it (`AWS_ENDPOINT_URL`), for the exporter's key. */
const ALIASES: Readonly<Record<string, string>> = { endpoint_url: 'endpoint' }

/** The variables that configure a daemon without YAML, in alphabetical order. */
export function exporterVariables(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(VARIABLE_PREFIX) && env[name] !== undefined)
    .toSorted()
}

/**
 * The config that `OTLP_CLOUDWATCH__*` stand for: `otlp` on both protocols, its own defaults, to `awscloudwatchlogs` with
 * a key for each variable, in upper case, `__` where the YAML nests. Values are YAML, as in `${env:NAME}`.
 */
export function configFromVariables(env: Environment): MapNode {
  const at: Position = { source: `${VARIABLE_PREFIX}*` }
  const skeleton = parseYaml(PIPELINE, at.source, new Findings())
  const entries = new Map<string, Entry>(skeleton?.kind === 'map' ? placeAt(skeleton, at).entries : [])
  for (const name of exporterVariables(env)) {
    const at: Position = { source: name }
    const key = name.slice(VARIABLE_PREFIX.length).toLowerCase()
    // The value goes the way of every variable in a config: read as YAML, kept as text for a field that wants text.
    const value: Node = { kind: 'scalar', at, value: `\${env:${name}}` }
    putNested(entries, `exporters::${EXPORTER}::${(ALIASES[key] ?? key).replaceAll('__', '::')}`, { keyAt: at, value })
  }
  return { kind: 'map', at, entries }
}

/** Names the variable where a problem came of one, or of one that is missing: nobody wrote the path. In their order. */
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
