import { z } from 'zod'
import { acceptedWithoutEffect } from './fields.ts'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** `service.telemetry`: the daemon's own log and metrics. */
export const serviceTelemetrySchema = z
  .strictObject({
    logs: z
      .strictObject({
        level: z.enum(LEVELS).default('info').describe('Least level written to stderr.'),
        encoding: z
          .enum(['console', 'json'])
          .default('console')
          .describe('Lines for people or one JSON object a line.'),
      })
      .prefault({})
      .describe("The daemon's own log, on stderr."),
    metrics: z
      .strictObject({
        level: z
          .enum(['none', 'basic', 'normal', 'detailed'])
          .default('normal')
          .describe('`none` closes the endpoint.'),
        address: acceptedWithoutEffect(z.string(), 'the collector ignores it since v0.123.0 too; write readers'),
      })
      .prefault({})
      .describe("The daemon's own metrics, on localhost:8888/metrics."),
  })
  .prefault({})

export type ServiceTelemetry = z.output<typeof serviceTelemetrySchema>
