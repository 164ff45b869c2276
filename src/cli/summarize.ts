import type { Section } from '../config/check/check-components.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import type { WrittenConfig } from '../config/load.ts'
import { printableConfig } from '../config/describe/print.ts'

type Plain = Readonly<Record<string, unknown>>

/** Exporter keys that identify a destination. */
const DESTINATION_KEYS = ['log_group_name', 'log_stream_name', 'region', 'endpoint']

/** Summarizes a config in lines: pipelines, listening addresses, destinations, notes. */
export function summarize(config: DaemonConfig, written: WrittenConfig): string[] {
  const printable = printableConfig(written, 'redacted')
  const configOf = (section: Section, id: string) => (printable[section] as Record<string, Plain>)[id] ?? {}
  const pipelines = [...config.service.pipelines].map(([name, { receivers, processors, exporters }]) => {
    const stages = [receivers.join(', '), ...processors, exporters.join(', ')]
    return `  ${name}: ${stages.join(' -> ')}`
  })
  const listens = [
    ...[...config.receivers.keys()].flatMap((id) => endpointsIn(configOf('receivers', id), id)),
    ...[...config.extensions]
      .filter(([, { id }]) => !OPENS_NOTHING.has(id.type))
      .flatMap(([id]) => endpointsIn(configOf('extensions', id), id)),
    ...metricsEndpoints(config),
  ]
  const writes = [...config.exporters.keys()].map((id) => `${id}${destination(configOf('exporters', id))}`)
  return [
    ...pipelines,
    `  listens on ${listens.length === 0 ? 'nothing' : listens.join(', ')}`,
    `  writes to ${writes.join('; ')}`,
    ...config.notes.map((note) => `  note: ${note}`),
  ]
}

/** Extensions without effect, whose endpoint stays closed. */
const OPENS_NOTHING: ReadonlySet<string> = new Set(['zpages', 'pprof'])

/** Returns every `endpoint` in a component's config with the keys of its path: `localhost:4317 (otlp grpc)`. */
function endpointsIn(config: Plain, name: string): string[] {
  return Object.entries(config).flatMap(([key, value]) => {
    if (key === 'endpoint' && typeof value === 'string' && value !== '') return [`${value} (${name})`]
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
    return endpointsIn(value as Plain, key === 'protocols' ? name : `${name} ${key}`)
  })
}

function metricsEndpoints({ service: { telemetry } }: DaemonConfig): string[] {
  if (telemetry.metrics.level === 'none') return []
  return telemetry.metrics.readers.map(({ pull }) => {
    const { host, port } = pull.exporter.prometheus
    return `${host}:${port} (metrics)`
  })
}

function destination(config: Plain): string {
  const parts = DESTINATION_KEYS.filter((key) => typeof config[key] === 'string' && config[key] !== '')
  return parts.length === 0 ? '' : ` (${parts.map((key) => `${key} ${String(config[key])}`).join(', ')})`
}
