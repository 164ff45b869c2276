import * as z from 'zod'
import { acceptedWithoutEffect, duration, notYet } from './fields.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
const METRIC_LEVELS = ['none', 'basic', 'normal', 'detailed'] as const

/** The collector reads its levels in any case: `INFO`, `Detailed`. */
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
    'the identity of the process is in target_info alone',
  ).describe('Key of the collector.'),
})

const reader = z.strictObject({
  pull: z
    .strictObject({
      exporter: z
        .strictObject({ prometheus: prometheus.prefault({}).describe('Serves `/metrics` in the Prometheus format.') })
        .prefault({})
        .describe('How it is read.'),
    })
    .prefault({})
    .describe('A reader that is scraped.'),
  periodic: notYet(z.unknown(), 'write pull.exporter.prometheus {host, port} and scrape it').describe(
    'A reader that sends by itself.',
  ),
})

const logs = z.strictObject({
  level: level(LEVELS).prefault('info').describe('Least level written to stderr.'),
  encoding: z.enum(['console', 'json']).default('console').describe('Lines for people or one JSON object a line.'),
  sampling: acceptedWithoutEffect(
    z.strictObject({
      enabled: z.boolean().optional().describe('Whether lines are sampled.'),
      tick: duration().optional().describe('Time a count lasts.'),
      initial: z.int().optional().describe('Lines written before sampling.'),
      thereafter: z.int().optional().describe('One line in this many after that.'),
    }),
    'repeated lines are folded into one with a count instead',
  ).describe('Sampling of repeated lines.'),
  output_paths: acceptedWithoutEffect(z.array(z.string()), 'the log is written to stderr').describe('Where to write.'),
  error_output_paths: acceptedWithoutEffect(z.array(z.string()), 'the log is written to stderr').describe(
    'Where to write errors of the logger.',
  ),
  development: acceptedWithoutEffect(z.boolean(), 'there is one mode').describe("A mode of the collector's logger."),
  disable_caller: acceptedWithoutEffect(z.boolean(), 'no line names its caller').describe('Leaves the caller out.'),
  disable_stacktrace: acceptedWithoutEffect(z.boolean(), 'stacks are written with encoding json').describe(
    'Leaves stacks out.',
  ),
  disable_zap_resource: acceptedWithoutEffect(z.boolean(), 'no line holds the resource').describe(
    'Leaves the resource out.',
  ),
  initial_fields: acceptedWithoutEffect(z.record(z.string(), z.unknown()), 'lines hold their own fields only').describe(
    'Fields for every line.',
  ),
  processors: notYet(z.unknown(), 'the log is written to stderr: let an agent read it there').describe(
    'Sends the log on by OTLP.',
  ),
})

const metrics = z.strictObject({
  level: level(METRIC_LEVELS)
    .prefault('normal')
    .describe('`none` closes the endpoint; the others write the same metrics.'),
  readers: z.array(reader).prefault([{}]).describe('Where the metrics are read.'),
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
