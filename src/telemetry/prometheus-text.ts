import type { Labels, MetricDefinition } from './metrics.ts'

// Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/):
//
//   # HELP name text          \ and line feed escaped
//   # TYPE name counter
//   name{label="value"} 1     \, " and line feed escaped in values

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

/** Returns one metric with all its samples; empty if it has none. Empty labels are omitted: to Prometheus they are absent. */
export function renderFamily(definition: MetricDefinition, samples: readonly Sample[]): string {
  if (samples.length === 0) return ''
  const help = definition.help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  let text = `# HELP ${definition.name} ${help}\n# TYPE ${definition.name} ${definition.type}\n`
  for (const { labels, value } of samples) text += `${definition.name}${renderLabels(labels)} ${renderValue(value)}\n`
  return text
}

function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function renderValue(value: number): string {
  if (value === Infinity) return '+Inf'
  if (value === -Infinity) return '-Inf'
  return String(value)
}
