import { parseComponentId } from '../../component/id.ts'
import { checkReferences, type DefinedIds } from './check-references.ts'
import { type Checked, checkValue } from './check-value.ts'
import type { PipelineConfig } from '../daemon-config.ts'
import type { Findings } from '../yaml/findings.ts'
import { pipelineSchema } from '../schema/service-schema.ts'
import { closest } from '../suggest.ts'
import { child, type Entry } from '../yaml/tree.ts'

/** The collector's signals other than logs. */
const OTHER_SIGNALS = ['traces', 'metrics', 'profiles']

/** Checks one pipeline and that the components it names are defined. Returns undefined if there were problems. */
export function checkPipeline(
  name: string,
  entry: Entry,
  defined: DefinedIds,
  findings: Findings,
): Checked<PipelineConfig> | undefined {
  const path = ['service', 'pipelines', name]
  const before = findings.problems.length
  const wrongName = explainName(name)
  if (wrongName !== undefined) {
    findings.problem(entry.keyAt, path, wrongName)
    return undefined
  }
  const checked = checkValue(pipelineSchema, entry, path, findings)
  for (const section of ['receivers', 'processors', 'exporters'] as const) {
    const node = child(entry.value, section)
    checkReferences(section, node, [...path, section], defined, findings)
    if (section !== 'processors' && checked?.output[section].length === 0)
      findings.problem(entry.keyAt, path, `has no ${section}: write ${section}: [${EXAMPLES[section]}]`)
  }
  return findings.problems.length === before ? checked : undefined
}

const EXAMPLES = { receivers: 'otlp', exporters: 'awscloudwatchlogs' } as const

function explainName(name: string): string | undefined {
  const signal = parseComponentId(name)?.type
  if (signal === 'logs') return undefined
  if (signal !== undefined && OTHER_SIGNALS.includes(signal))
    return `this daemon ships logs only: remove the pipeline, or keep it in a collector`
  const near = signal === undefined ? undefined : closest(signal, ['logs', ...OTHER_SIGNALS])
  return `a pipeline is called logs or logs/name${near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`}`
}
