import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import { formatProblem } from '../../src/config/yaml/findings.ts'
import { loadConfig } from '../../src/config/load.ts'

// What an operator reads when a config is wrong: file, line, column, path, problem, and what to write instead. The words
// are part of the product, so they are held exactly. Each config is checked with the components as they are shipped.

const GOOD = `
receivers: { otlp: { protocols: { grpc: , http: } } }
exporters: { awscloudwatchlogs: { log_group_name: /app, log_stream_name: main, region: eu-west-1 } }
service: { pipelines: { logs: { receivers: [otlp], exporters: [awscloudwatchlogs] } } }
`

/** Its subject, the text of bad.yaml, and every problem that is reported. */
type Row = readonly [title: string, text: string, ...problems: string[]]

/** bad.yaml is merged onto a good config. */
const ON_TOP_OF_A_GOOD_CONFIG: readonly Row[] = [
  [
    'a mistyped key',
    `
receivers:
  otlp:
    protocols:
      grpc: {endpont: 0.0.0.0:4317}
`,
    'bad.yaml:4:14: receivers.otlp.protocols.grpc.endpont: unknown key; did you mean "endpoint"?',
  ],
  [
    'a mistyped key of http, which the Go collector lets through',
    `
receivers:
  otlp:
    protocols:
      http:
        max_request_body_sise: 1MiB
`,
    'bad.yaml:5:9: receivers.otlp.protocols.http.max_request_body_sise: unknown key; did you mean "max_request_body_size"?',
  ],
  [
    'a key that is like none',
    `
exporters:
  nop:
    verbosity: detailed
`,
    'bad.yaml:3:5: exporters.nop.verbosity: unknown key; no keys are allowed here',
  ],
  [
    'a mistyped top level key',
    `
exporter:
  debug:
`,
    'bad.yaml:1:1: exporter: unknown key; did you mean "exporters"?',
  ],
  [
    'connectors',
    `
connectors:
  forward:
`,
    'bad.yaml:1:1: connectors: not supported yet: name the exporters in the pipeline, and remove the key',
  ],
  [
    'an exporter for metrics',
    `
exporters:
  awsemf:
`,
    'bad.yaml:2:3: exporters.awsemf: exporter awsemf writes metrics as events: keep it in a collector; for logs use awscloudwatchlogs',
  ],
  [
    'an exporter by OTLP',
    `
exporters:
  otlp/next:
    endpoint: next:4317
`,
    'bad.yaml:2:3: exporters.otlp/next: exporter otlp is not supported yet: use awscloudwatchlogs',
  ],
  [
    'an exporter under an older name',
    `
exporters:
  logging:
`,
    'bad.yaml:2:3: exporters.logging: exporter logging was renamed by the collector: write debug',
  ],
  [
    'a processor that is not here yet',
    `
processors:
  k8sattributes:
`,
    'bad.yaml:2:3: processors.k8sattributes: processor k8sattributes is not supported yet: apply it in the application, or in a collector that sends here by otlp',
  ],
  [
    'a processor that changes attributes',
    `
processors:
  attributes/env:
    actions: []
`,
    'bad.yaml:2:3: processors.attributes/env: processor attributes is not supported yet: apply it in the application, or in a collector that sends here by otlp',
  ],
  [
    'a processor for traces',
    `
processors:
  tail_sampling:
`,
    'bad.yaml:2:3: processors.tail_sampling: processor tail_sampling works on traces, and this daemon ships logs: keep it in a collector',
  ],
  [
    'a receiver of files',
    `
receivers:
  filelog:
    include: [/var/log/*.log]
`,
    'bad.yaml:2:3: receivers.filelog: receiver filelog is not supported yet: let a collector or Fluent Bit read it and send here by otlp',
  ],
  [
    'a receiver of metrics',
    `
receivers:
  prometheus:
`,
    'bad.yaml:2:3: receivers.prometheus: receiver prometheus works on metrics, and this daemon ships logs: keep it in a collector',
  ],
  [
    'a mistyped type',
    `
exporters:
  awscloudwatchlog:
  debgu:
`,
    'bad.yaml:2:3: exporters.awscloudwatchlog: there is no exporter awscloudwatchlog here; did you mean "awscloudwatchlogs"?',
    'bad.yaml:3:3: exporters.debgu: there is no exporter debgu here; did you mean "debug"?',
  ],
  [
    'a component in the wrong section',
    `
exporters:
  batch:
`,
    'bad.yaml:2:3: exporters.batch: batch is one of the processors, not exporters: write it under processors:',
  ],
  [
    'an id that is none',
    `
receivers:
  OTLP/Edge:
  otlp/:
`,
    'bad.yaml:2:3: receivers.OTLP/Edge: "OTLP/Edge" is not an id: write type or type/name in lower case, such as otlp or otlp/edge',
    'bad.yaml:3:3: receivers.otlp/: "otlp/" is not an id: write type or type/name in lower case, such as otlp or otlp/edge',
  ],
  [
    'a section that is no map',
    `
processors: [batch]
`,
    'bad.yaml:1:1: processors: is not a map: write each component under its id, such as otlp:',
  ],
  [
    'a component that is a string',
    `
exporters:
  debug: detailed
`,
    'bad.yaml:2:10: exporters.debug: "detailed" is not a map: write its keys, each on a line of its own, further to the right',
  ],
  [
    'a number where a string is expected',
    `
exporters:
  awscloudwatchlogs:
    region: 5
`,
    'bad.yaml:3:13: exporters.awscloudwatchlogs.region: 5 is not a string: put quotes around it',
  ],
  [
    'a placeholder without quotes',
    `
exporters:
  awscloudwatchlogs:
    log_stream_name: {PodName}
`,
    'bad.yaml:3:5: exporters.awscloudwatchlogs.log_stream_name: this map is not a string: put quotes around it',
  ],
  [
    'a string where a number is expected',
    `
exporters:
  awscloudwatchlogs:
    request_timeout_seconds: 30s
`,
    'bad.yaml:3:30: exporters.awscloudwatchlogs.request_timeout_seconds: "30s" is not a number',
  ],
  [
    'a fraction where a whole number is wanted',
    `
exporters:
  awscloudwatchlogs:
    sending_queue:
      num_consumers: 1.5
`,
    'bad.yaml:4:22: exporters.awscloudwatchlogs.sending_queue.num_consumers: 1.5 is not a whole number',
  ],
  [
    'a number out of its range',
    `
exporters:
  awscloudwatchlogs:
    sending_queue:
      num_consumers: 0
`,
    'bad.yaml:4:22: exporters.awscloudwatchlogs.sending_queue.num_consumers: 0 is too small: write at least 1',
  ],
  [
    'yes for true',
    `
exporters:
  awscloudwatchlogs:
    raw_log: yes
`,
    'bad.yaml:3:14: exporters.awscloudwatchlogs.raw_log: "yes" is not true or false',
  ],
  [
    'a word that is not one of a few',
    `
exporters:
  awscloudwatchlogs:
    compression: gzipp
`,
    'bad.yaml:3:18: exporters.awscloudwatchlogs.compression: "gzipp" is not "none" or "gzip"; did you mean "gzip"?',
  ],
  [
    'a duration without a unit',
    `
exporters:
  awscloudwatchlogs:
    retry_on_failure:
      max_interval: 30
`,
    'bad.yaml:4:21: exporters.awscloudwatchlogs.retry_on_failure.max_interval: 30 is not a duration: write a number and a unit, such as 200ms, 5s or 1m30s',
  ],
  [
    'a duration with a unit that is none',
    `
exporters:
  awscloudwatchlogs:
    flush_interval: 1 second
`,
    'bad.yaml:3:21: exporters.awscloudwatchlogs.flush_interval: "1 second" is not a duration: write a number and a unit, such as 200ms, 5s or 1m30s',
  ],
  [
    'a size that is none',
    `
receivers:
  otlp:
    protocols:
      http: {max_request_body_size: 20 megabytes}
`,
    'bad.yaml:4:37: receivers.otlp.protocols.http.max_request_body_size: "20 megabytes" is not a size: write bytes or a number and a unit, such as 512KiB or 64MiB',
  ],
  [
    'an address without a port',
    `
receivers:
  otlp:
    protocols:
      grpc: {endpoint: localhost}
`,
    'bad.yaml:4:24: receivers.otlp.protocols.grpc.endpoint: "localhost" is not an address: write host and port, such as localhost:4317, 0.0.0.0:4317 or [::1]:4317',
  ],
  [
    'a list where a map is wanted',
    `
exporters:
  awscloudwatchlogs:
    tags: [a, b]
`,
    'bad.yaml:3:5: exporters.awscloudwatchlogs.tags: this list is not a map: write its keys, each on a line of its own, further to the right',
  ],
  [
    'a retention that CloudWatch does not know',
    `
exporters:
  awscloudwatchlogs:
    log_retention: 31
`,
    'bad.yaml:3:20: exporters.awscloudwatchlogs.log_retention: 31 is not a retention that CloudWatch supports: write one of 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 (0: never expire)',
  ],
  [
    'a desired group that sets nothing',
    `
exporters:
  awscloudwatchlogs:
    log_groups:
      - match: /eks/*
`,
    'bad.yaml:4:9: exporters.awscloudwatchlogs.log_groups[0]: sets nothing: write retention_days, tags, kms_key_id, log_group_class or deletion_protection next to match',
  ],
  [
    'a KMS key that is not an ARN',
    `
exporters:
  awscloudwatchlogs:
    log_groups:
      - match: /eks/*
        kms_key_id: alias/logs
`,
    'bad.yaml:5:21: exporters.awscloudwatchlogs.log_groups[0].kms_key_id: is not the ARN of a KMS key: write arn:aws:kms:REGION:ACCOUNT:key/ID, not an id or alias',
  ],
  [
    'a placeholder that is not closed',
    `
exporters:
  awscloudwatchlogs:
    log_group_name: /eks/{PodName
`,
    'bad.yaml:3:21: exporters.awscloudwatchlogs.log_group_name: "/eks/{PodName" has "{": a log group name holds letters, digits and . - _ / #',
  ],
  [
    'an id for what is a body alone',
    `
exporters:
  awscloudwatchlogs:
    log_group_name: g
    log_stream_name: s
    raw_log: true
    event_id: true
`,
    'bad.yaml:6:15: exporters.awscloudwatchlogs.event_id: cannot be added to the body that raw_log sends: remove one of them',
  ],
  [
    'an external id without a role',
    `
exporters:
  awscloudwatchlogs:
    external_id: abc
`,
    'bad.yaml:3:18: exporters.awscloudwatchlogs.external_id: is used with role_arn only: write role_arn, or remove it',
  ],
  [
    'a key that is not supported yet',
    `
receivers:
  otlp:
    protocols:
      grpc: { middlewares: [{ id: audit }] }
`,
    'bad.yaml:4:15: receivers.otlp.protocols.grpc.middlewares: is not supported yet: remove it',
  ],
  [
    'a secret of the wrong kind, which is not shown',
    `
exporters:
  awscloudwatchlogs:
    credentials: {access_key_id: a, secret_access_key: ["\${env:SECRET}"]}
`,
    'bad.yaml:3:37: exporters.awscloudwatchlogs.credentials.secret_access_key: [REDACTED] is not a string: put quotes around it',
  ],
  [
    'several mistakes at once, in the order of the file',
    `
receivers:
  otlp:
    protocols:
      grpc: {endpont: x}
exporters:
  awscloudwatchlogs:
    raw_log: 1
service:
  pipelines:
    logs/b: {receivers: [otpl]}
`,
    'bad.yaml:4:14: receivers.otlp.protocols.grpc.endpont: unknown key; did you mean "endpoint"?',
    'bad.yaml:7:14: exporters.awscloudwatchlogs.raw_log: 1 is not true or false',
    'bad.yaml:10:5: service.pipelines.logs/b: has no exporters: write exporters: [awscloudwatchlogs]',
    'bad.yaml:10:26: service.pipelines.logs/b.receivers[0]: receiver "otpl" is not defined; did you mean "otlp"?',
  ],
  [
    'a pipeline of traces',
    `
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [awscloudwatchlogs]
`,
    'bad.yaml:3:5: service.pipelines.traces: this daemon ships logs only: remove the pipeline, or keep it in a collector',
  ],
  [
    'a pipeline of metrics with a name',
    `
service:
  pipelines:
    metrics/host: {receivers: [otlp]}
`,
    'bad.yaml:3:5: service.pipelines.metrics/host: this daemon ships logs only: remove the pipeline, or keep it in a collector',
  ],
  [
    'a pipeline with a mistyped name',
    `
service:
  pipelines:
    log: {receivers: [otlp], exporters: [debug]}
`,
    'bad.yaml:3:5: service.pipelines.log: a pipeline is called logs or logs/name; did you mean "logs"?',
  ],
  [
    'a pipeline of nothing',
    `
service:
  pipelines:
    logs/empty:
`,
    'bad.yaml:3:5: service.pipelines.logs/empty: has no receivers: write receivers: [otlp]',
    'bad.yaml:3:5: service.pipelines.logs/empty: has no exporters: write exporters: [awscloudwatchlogs]',
  ],
  [
    'a pipeline with a mistyped key',
    `
service:
  pipelines:
    logs:
      exporter: [awscloudwatchlogs]
`,
    'bad.yaml:4:7: service.pipelines.logs.exporter: unknown key; did you mean "exporters"?',
  ],
  [
    'a component that is not defined',
    `
service:
  pipelines:
    logs:
      processors: [batch]
`,
    'bad.yaml:4:20: service.pipelines.logs.processors[0]: processor "batch" is not defined: write batch: under processors:, or remove it here',
  ],
  [
    'a component whose id is mistyped',
    `
service:
  pipelines:
    logs:
      exporters: [awscloudwatchlog]
`,
    'bad.yaml:4:19: service.pipelines.logs.exporters[0]: exporter "awscloudwatchlog" is not defined; did you mean "awscloudwatchlogs"?',
  ],
  [
    'a component named twice',
    `
service:
  pipelines:
    logs:
      receivers: [otlp, otlp]
`,
    'bad.yaml:4:25: service.pipelines.logs.receivers[1]: "otlp" is a duplicate: write it once',
  ],
  [
    'an extension that is not defined',
    `
service:
  extensions: [health_check]
`,
    'bad.yaml:2:16: service.extensions[0]: extension "health_check" is not defined: write health_check: under extensions:, or remove it here',
  ],
  [
    'a storage that is defined and does not run',
    `
extensions: {file_storage: {directory: /var/lib/queues}}
exporters:
  awscloudwatchlogs:
    sending_queue: {storage: file_storage}
`,
    'bad.yaml:4:30: exporters.awscloudwatchlogs.sending_queue.storage: extension "file_storage" does not run: add it to service.extensions',
  ],
  [
    'a storage that is not defined',
    `
exporters:
  awscloudwatchlogs:
    sending_queue:
      storage: file_storage/queues
`,
    'bad.yaml:4:16: exporters.awscloudwatchlogs.sending_queue.storage: extension "file_storage/queues" is not defined: write file_storage/queues: under extensions:, and add it to service.extensions',
  ],
  [
    'a storage that is listed and not defined',
    `
exporters: {awscloudwatchlogs: {sending_queue: {storage: file_storage}}}
service: {extensions: [file_storage]}
`,
    'bad.yaml:2:24: service.extensions[0]: extension "file_storage" is not defined: write file_storage: under extensions:, or remove it here',
  ],
  [
    'authenticators that are mistyped',
    `
extensions: {basicauth: {htpasswd: {inline: "a:b"}}}
receivers:
  otlp:
    protocols:
      grpc: {auth: {authenticator: basicaut}}
      http:
        auth:
          authenticator: bearertokenauth
service: {extensions: [basicauth]}
`,
    'bad.yaml:5:36: receivers.otlp.protocols.grpc.auth.authenticator: extension "basicaut" is not defined; did you mean "basicauth"?',
    'bad.yaml:8:26: receivers.otlp.protocols.http.auth.authenticator: extension "bearertokenauth" is not defined: write bearertokenauth: under extensions:, and add it to service.extensions',
  ],
  [
    'a level that is none',
    `
service:
  telemetry:
    logs: {level: verbose}
`,
    'bad.yaml:3:19: service.telemetry.logs.level: "verbose" is not "debug", "info", "warn" or "error"',
  ],
  [
    'a reader of metrics that is not here',
    `
service:
  telemetry:
    metrics:
      readers:
        - periodic: {exporter: {otlp: {}}}
`,
    'bad.yaml:5:11: service.telemetry.metrics.readers[0].periodic: is not supported yet: write pull.exporter.prometheus {host, port} and scrape it',
  ],
  [
    'a mistyped key of service',
    `
service:
  shutdown_timout: 10s
`,
    'bad.yaml:2:3: service.shutdown_timout: unknown key; did you mean "shutdown_timeout"?',
  ],
  [
    'a variable whose name cannot be one',
    `
exporters:
  awscloudwatchlogs:
    region: \${env:AWS-REGION}
`,
    'bad.yaml:3:13: exporters.awscloudwatchlogs.region: ${env:AWS-REGION}: "AWS-REGION" cannot be the name of an environment variable: write letters, digits and _, or $$ for a dollar sign',
  ],
  [
    'a reference to a file that is not there',
    `
exporters:
  awscloudwatchlogs: \${file:/none/cloudwatch.yaml}
`,
    'bad.yaml:2:22: exporters.awscloudwatchlogs: ${file:/none/cloudwatch.yaml}: the file /none/cloudwatch.yaml cannot be read: there is no such file',
  ],
  [
    'a section in a file that is not there, and nothing that only follows from it',
    `
receivers: \${file:/none/receivers.yaml}
`,
    'bad.yaml:1:12: receivers: ${file:/none/receivers.yaml}: the file /none/receivers.yaml cannot be read: there is no such file',
  ],
  [
    'a reference of a scheme that is none',
    `
exporters:
  awscloudwatchlogs:
    region: \${vault:region}
`,
    'bad.yaml:3:13: exporters.awscloudwatchlogs.region: ${vault:region}: no config can be read from vault:; known here: env, file, yaml',
  ],
  [
    'a variable that holds the wrong kind',
    `
exporters:
  awscloudwatchlogs:
    request_timeout_seconds: \${env:WORD}
`,
    'bad.yaml:3:30: exporters.awscloudwatchlogs.request_timeout_seconds: "abc" is not a number',
  ],
]

/** bad.yaml is the whole config. */
const ALONE: readonly Row[] = [
  [
    'nothing at all',
    `

`,
    'bad.yaml:1:1: service: is required: write service.pipelines.logs with receivers: [otlp] and exporters: [awscloudwatchlogs]',
  ],
  [
    'a list',
    `
- receivers
- exporters
`,
    'bad.yaml:1:1: a config is a map: write receivers:, exporters: and service: at the start of a line',
  ],
  [
    'a key written twice',
    `
receivers:
  otlp:
    protocols: {grpc: }
  otlp:
    protocols: {http: }
`,
    'bad.yaml:4:3: duplicate key otlp in the same map: keep one of the two',
  ],
  [
    'a tab',
    `
receivers:
	otlp:
`,
    'bad.yaml:2:1: not valid YAML: a tab is used as indentation: use spaces',
  ],
  [
    'a bracket that is not closed',
    `
service:
  extensions: [health_check
  pipelines:
`,
    'bad.yaml:3:3: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'two documents',
    `
receivers:
---
exporters:
`,
    'bad.yaml:2:1: a second document starts here: write one document, or a file for each with several --config',
  ],
  [
    'an alias without an anchor',
    `
receivers:
  otlp: *defaults
`,
    'bad.yaml:2:9: there is no anchor before this alias: put quotes around a string that begins with *',
  ],
  [
    'an alias inside its own anchor',
    `
receivers: &all
  otlp: *all
`,
    'bad.yaml:2:9: the alias *all is inside its own anchor',
  ],
  [
    'aliases that come to a billion values',
    `
a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
`,
    'bad.yaml:1:32: the aliases expand to more than 100000 values: write fewer aliases',
  ],
  [
    'no service',
    `
receivers: { otlp: { protocols: { grpc: } } }
exporters: { debug: }
`,
    'bad.yaml:1:1: service: is required: write service.pipelines.logs with receivers: [otlp] and exporters: [awscloudwatchlogs]',
  ],
  [
    'no pipelines',
    `
receivers: { otlp: { protocols: { grpc: } } }
exporters: { debug: }
service:
  telemetry: { logs: { level: debug } }
`,
    'bad.yaml:3:1: service.pipelines: there is no pipeline: write service.pipelines.logs with receivers: [otlp] and exporters: [awscloudwatchlogs]',
  ],
  [
    'no protocol',
    `
receivers: { otlp: { protocols: } }
exporters: { debug: }
service: { pipelines: { logs: { receivers: [otlp], exporters: [debug] } } }
`,
    'bad.yaml:1:22: receivers.otlp.protocols: names no protocol: write grpc:, http: or both',
  ],
  [
    'what is required is missing',
    `
receivers:
  otlp:
exporters:
  awscloudwatchlogs:
service:
  pipelines:
    logs: { receivers: [otlp], exporters: [awscloudwatchlogs] }
`,
    'bad.yaml:2:3: receivers.otlp.protocols: is required: Protocols to accept logs over; at least one.',
    'bad.yaml:4:3: exporters.awscloudwatchlogs.log_group_name: is required: Log group; a placeholder such as {k8s.namespace.name} is replaced by an attribute, request metadata or the time: see “Where it goes”.',
    'bad.yaml:4:3: exporters.awscloudwatchlogs.log_stream_name: is required: Log stream, with the same placeholders.',
  ],
]

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'bad-configs-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function problemsOf(text: string, before: readonly string[]): string[] {
  const file = join(folder, 'bad.yaml')
  // A row begins on a line of its own, for the reader.
  writeFileSync(file, text.replace(/^\n/, ''))
  const env = { WORD: 'abc', SECRET: 'hunter2' }
  const loaded = loadConfig({ uris: [...before, file], sets: [], env, registry: components })
  const problems = loaded.kind === 'invalid' ? loaded.problems : []
  return problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''))
}

describe('a bad config on top of a good one', () => {
  test.for(ON_TOP_OF_A_GOOD_CONFIG)('%s', ([, text, ...problems]) => {
    expect(problemsOf(text, [`yaml:${GOOD}`])).toEqual(problems)
  })
})

describe('a bad config', () => {
  test.for(ALONE)('%s', ([, text, ...problems]) => {
    expect(problemsOf(text, [])).toEqual(problems)
  })
})

test('the good config is good, and the table is long', () => {
  expect(problemsOf('', [`yaml:${GOOD}`])).toEqual([])
  expect(ON_TOP_OF_A_GOOD_CONFIG.length + ALONE.length).toBeGreaterThanOrEqual(30)
})
