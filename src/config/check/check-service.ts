import type { z } from 'zod'
import { checkPipeline } from './check-pipeline.ts'
import { checkReferences, type DefinedIds } from './check-references.ts'
import { type Checked, checkValue } from './check-value.ts'
import type { PipelineConfig } from '../daemon-config.ts'
import type { Findings } from '../yaml/findings.ts'
import { serviceSchema } from '../schema/service-schema.ts'
import { child, type Entry, type MapNode } from '../yaml/tree.ts'

export interface CheckedService {
  readonly service: Checked<z.output<typeof serviceSchema>>
  /** By name, in the order written. */
  readonly pipelines: ReadonlyMap<string, Checked<PipelineConfig>>
}

const EXAMPLE = 'write service.pipelines.logs with receivers: [otlp] and exporters: [awscloudwatchlogs]'

/** Checks `service` and that the components it names are defined. Returns undefined if there were problems. */
export function checkService(root: MapNode, defined: DefinedIds, findings: Findings): CheckedService | undefined {
  const entry = root.entries.get('service')
  if (entry?.value.kind !== 'map' || entry.value.entries.size === 0) {
    findings.problem(entry?.keyAt ?? root.at, ['service'], `is required: ${EXAMPLE}`)
    return undefined
  }
  const service = checkValue(serviceSchema, withoutPipelines(entry, entry.value), ['service'], findings)
  checkReferences('extensions', child(entry.value, 'extensions'), ['service', 'extensions'], defined, findings)
  const pipelines = checkPipelines(entry.value, entry, defined, findings)
  return service && pipelines && { service, pipelines }
}

/** Pipelines are checked one by one, so that a problem in one does not hide those of another. */
function withoutPipelines(entry: Entry, service: MapNode): Entry {
  const entries = new Map(service.entries)
  entries.delete('pipelines')
  return { ...entry, value: { ...service, entries } }
}

function checkPipelines(service: MapNode, { keyAt }: Entry, defined: DefinedIds, findings: Findings) {
  const entry = service.entries.get('pipelines')
  if (entry?.value.kind !== 'map' || entry.value.entries.size === 0) {
    findings.problem(entry?.keyAt ?? keyAt, ['service', 'pipelines'], `there is no pipeline: ${EXAMPLE}`)
    return undefined
  }
  const pipelines = new Map<string, Checked<PipelineConfig>>()
  for (const [name, pipeline] of entry.value.entries) {
    const checked = checkPipeline(name, pipeline, defined, findings)
    if (checked !== undefined) pipelines.set(name, checked)
  }
  return pipelines.size === entry.value.entries.size ? pipelines : undefined
}
