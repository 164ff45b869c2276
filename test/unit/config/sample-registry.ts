import { z } from 'zod'
import type { Component } from '../../../src/component/component.ts'
import { NOTHING_REJECTED } from '../../../src/accounting/rejections.ts'
import type { ComponentRegistry } from '../../../src/component/factory.ts'
import { aliasOf, withAliases } from '../../../src/config/schema/aliases.ts'
import { acceptedWithoutEffect, duration, notYet, seconds, secret, size } from '../../../src/config/schema/fields.ts'
import { type LoadedConfig, loadConfig, type LoadOptions } from '../../../src/config/load.ts'
import { formatProblem } from '../../../src/config/yaml/findings.ts'

// Components with one key of each kind there is, so that the tests of the config stand whatever the real ones grow.

const idle: Component = { start: async () => {}, shutdown: async () => {} }

const grpc = z.strictObject({
  endpoint: z.string().min(1).default('localhost:4317').describe('Where to listen.'),
  max_recv_msg_size_mib: z.int().min(1).default(64).describe('Largest message.'),
  read_buffer_size: acceptedWithoutEffect(z.int(), 'the runtime chooses').describe('Buffer of a connection.'),
  middlewares: notYet(z.array(z.unknown()), 'leave it out').describe('Middlewares.'),
})

const otlp = z.strictObject({
  protocols: z
    .strictObject({
      grpc: grpc.optional().describe('OTLP over gRPC.'),
      http: grpc.optional().describe('OTLP over HTTP.'),
    })
    .refine(({ grpc, http }) => grpc !== undefined || http !== undefined, 'names no protocol: write grpc: or http:')
    .describe('What to speak.'),
})

const cloudwatch = withAliases(
  z.strictObject({
    log_group_name: z.string().min(1).describe('Name of the log group.'),
    log_stream_name: z.string().default('default').describe('Name of the log stream.'),
    region: z.string().default('').describe('Region of AWS.'),
    endpoint: z.string().default('').describe('Instead of the endpoint of the region.'),
    endpoint_url: aliasOf('endpoint', z.string()).describe('Alias of endpoint.'),
    timeout_seconds: aliasOf('timeout', seconds()).describe('Alias of timeout.'),
    external_id: secret().default('').describe('Secret for assuming a role.'),
    headers: z.record(z.string(), secret()).default({}).describe('Headers.'),
    tags: z.record(z.string(), z.string()).optional().describe('Tags of the group.'),
    timeout: duration().prefault('30s').describe('Time a put may take.'),
    max_event: size().prefault('1MiB').describe('Largest event.'),
    raw_log: z.boolean().default(false).describe('Body only.'),
    on_oversize: z.enum(['truncate', 'reject']).default('truncate').describe('What to do with it.'),
    workers: z
      .union([z.literal('auto'), z.int().min(1)])
      .default('auto')
      .describe('Calls in flight.'),
    groups: z.array(z.string()).default([]).describe('Allowed groups.'),
    anything: z.unknown().optional().describe('Taken as it is.'),
    sending_queue: z
      .strictObject({
        enabled: z.boolean().default(true).describe('On.'),
        queue_size: z.int().min(1).default(1000).describe('Places.'),
      })
      .prefault({})
      .describe('The queue.'),
  }),
)

const nothing = z.strictObject({})
const base = { stability: 'beta', description: 'A sample.' } as const

export const registry: ComponentRegistry = {
  receivers: [
    { ...base, kind: 'receiver', type: 'otlp', config: otlp, create: () => idle },
    { ...base, kind: 'receiver', type: 'nop', config: nothing, create: () => idle },
  ],
  processors: [{ ...base, kind: 'processor', type: 'batch', config: nothing, shape: () => ({}) }],
  exporters: ['awscloudwatchlogs', 'debug'].map((type) => ({
    ...base,
    kind: 'exporter' as const,
    type,
    config: type === 'debug' ? nothing : cloudwatch,
    create: () => ({
      ...idle,
      reserve: () =>
        ({
          kind: 'reserved',
          records: 0,
          rejected: NOTHING_REJECTED,
          answerOn: 'queued',
          warning: '',
          commit() {},
          release() {},
        }) as const,
    }),
  })),
  extensions: [
    {
      ...base,
      kind: 'extension',
      type: 'health_check',
      config: z.strictObject({
        endpoint: z.string().default('localhost:13133').describe('Where to listen.'),
        path: z.string().default('/').describe('Path that answers.'),
      }),
      create: () => idle,
    },
  ],
}

/** A config that is good, for tests that change one thing in it. */
export const GOOD = `
receivers:
  otlp:
    protocols:
      grpc:
exporters:
  awscloudwatchlogs:
    log_group_name: /app
service:
  pipelines:
    logs:
      receivers: [otlp]
      exporters: [awscloudwatchlogs]
`

export function load(options: Partial<LoadOptions>): LoadedConfig {
  return loadConfig({ uris: [], sets: [], env: {}, registry, ...options })
}

/** What is wrong with a text, each problem as a line; with what `yaml:` URIs call their source left out. */
export function problemsOf(text: string, options: Partial<LoadOptions> = {}): string[] {
  const loaded = load({ uris: [`yaml:${text}`], ...options })
  return loaded.kind === 'invalid' ? loaded.problems.map((problem) => formatProblem(problem)) : []
}
