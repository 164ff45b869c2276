import * as z from 'zod'
import { acceptedWithoutEffect, duration, notYet } from './fields.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
const METRIC_LEVELS = ['none', 'basic', 'normal', 'detailed'] as const

/** Levels are case-insensitive, as in the collector: `INFO`, `Detailed`. */
function level<const Level extends string>(levels: readonly Level[]) {
  return z.preprocess((value) => (typeof value === 'string' ? value.toLowerCase() : value), z.enum(levels))
}

const NAMES_WITHOUT_UNITS = 'metric names are written without units and suffixes, as the collector does by default'

const prometheus = z.strictObject({
  host: z.string().default('localhost').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8888).describe('Port to listen on; 0 lets the system choose.'),
  without_scope_info: acceptedWithoutEffect(z.boolean(), NAMES_WITHOUT_UNITS).describe('Key of the collector.'),
  without_type_suffix: acceptedWithoutEffect(z.boolean(), NAMES_WITHOUT_UNITS).describe('Key of the collector.'),
  without_units: acceptedWithoutEffect(z.boolean(), NAMES_WITHOUT_UNITS).describe('Key of the collector.'),
  with_resource_constant_labels: acceptedWithoutEffect(
    z.unknown(),
    'only target_info has the identity of the process',
  ).describe('Key of the collector.'),
})

const reader = z.strictObject({
  pull: z
    .strictObject({
      exporter: z
        .strictObject({ prometheus: prometheus.prefault({}).describe('Serves `/metrics` in the Prometheus format.') })
        .prefault({})
        .describe('Exporter of the reader.'),
    })
    .prefault({})
    .describe('A reader that is scraped.'),
  periodic: notYet(z.unknown(), 'write pull.exporter.prometheus {host, port} and scrape it').describe(
    'A reader that pushes metrics.',
  ),
})

const logs = z.strictObject({
  level: level(LEVELS).prefault('info').describe('Minimum level written to stderr.'),
  encoding: z.enum(['console', 'json']).default('console').describe('Readable lines, or one JSON object a line.'),
  sampling: acceptedWithoutEffect(
    z.strictObject({
      enabled: z.boolean().optional().describe('Whether lines are sampled.'),
      tick: duration().optional().describe('Interval of a count.'),
      initial: z.int().optional().describe('Number of lines written before sampling.'),
      thereafter: z.int().optional().describe('Number of lines of which one is written after that.'),
    }),
    'repeated lines are combined into one with a count',
  ).describe('Sampling of repeated lines.'),
  output_paths: acceptedWithoutEffect(z.array(z.string()), 'the log is written to stderr').describe(
    'Outputs of the log.',
  ),
  error_output_paths: acceptedWithoutEffect(z.array(z.string()), 'the log is written to stderr').describe(
    'Outputs of errors of the logger.',
  ),
  development: acceptedWithoutEffect(z.boolean(), 'there is one mode').describe("A mode of the collector's logger."),
  disable_caller: acceptedWithoutEffect(z.boolean(), 'no line names its caller').describe('Omit the caller.'),
  disable_stacktrace: acceptedWithoutEffect(z.boolean(), 'stacks are written with encoding json').describe(
    'Omit stack traces.',
  ),
  disable_zap_resource: acceptedWithoutEffect(z.boolean(), 'no line has the resource').describe('Omit the resource.'),
  initial_fields: acceptedWithoutEffect(z.record(z.string(), z.unknown()), 'lines have only their own fields').describe(
    'Fields for every line.',
  ),
  processors: notYet(z.unknown(), 'the log is written to stderr: let an agent read it there').describe(
    'Send the log over OTLP.',
  ),
})

const metrics = z.strictObject({
  level: level(METRIC_LEVELS)
    .prefault('normal')
    .describe('`none` closes the endpoint; the others write the same metrics.'),
  readers: z.array(reader).prefault([{}]).describe('Readers of the metrics.'),
  address: acceptedWithoutEffect(z.string(), 'the collector ignores it since v0.123.0 too: write readers').describe(
    'Key of the collector.',
  ),
  views: acceptedWithoutEffect(z.array(z.unknown()), 'the metrics are few already').describe('Key of the collector.'),
})

/** `service.telemetry`: the daemon's own log and metrics. */
export const serviceTelemetrySchema = z
  .strictObject({
    logs: logs.prefault({}).describe("The daemon's own log, on stderr."),
    metrics: metrics.prefault({}).describe("The daemon's own metrics, on localhost:8888/metrics."),
    traces: acceptedWithoutEffect(z.record(z.string(), z.unknown()), 'the daemon makes no spans of its own').describe(
      'Key of the collector.',
    ),
    resource: acceptedWithoutEffect(
      z.record(z.string(), z.unknown()),
      'target_info carries the name, version and instance of the process',
    ).describe('Key of the collector.'),
  })
  .prefault({})
  .describe("The daemon's own log and metrics.")

export type ServiceTelemetry = z.output<typeof serviceTelemetrySchema>
