import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Format, formatConfig, printableConfig, type Secrets } from '../../../../src/config/describe/print.ts'
import type { LoadedConfig } from '../../../../src/config/load.ts'
import { GOOD, load } from '../sample-registry.ts'

const EXPORTER = 'exporters.awscloudwatchlogs'

function print(sets: readonly string[], secrets: Secrets, format: Format = 'yaml', env = {}): string {
  const loaded = load({ uris: [`yaml:${GOOD}`], sets, env })
  if (loaded.kind !== 'loaded') expect.fail(JSON.stringify(loaded))
  return formatConfig(printableConfig(loaded.written, secrets), format)
}

test('prints the config as it runs, with defaults, in the form a user writes', () => {
  expect(print(['receivers.nop='], 'redacted')).toBe(`receivers:
  otlp:
    protocols:
      grpc:
        endpoint: localhost:4317
        max_recv_msg_size_mib: 64
  nop: {}
exporters:
  awscloudwatchlogs:
    log_group_name: /app
    log_stream_name: default
    region: ""
    endpoint: ""
    external_id: ""
    headers: {}
    timeout: 30s
    max_event: 1MiB
    raw_log: false
    on_oversize: truncate
    workers: auto
    groups: []
    sending_queue:
      enabled: true
      queue_size: 1000
service:
  extensions: []
  pipelines:
    logs:
      receivers:
        - otlp
      processors: []
      exporters:
        - awscloudwatchlogs
  telemetry:
    logs:
      level: info
      encoding: console
    metrics:
      level: normal
      readers:
        - pull:
            exporter:
              prometheus:
                host: localhost
                port: 8888
  workers: 1
  shutdown_timeout: 25s
`)
})

test('JSON holds the same', () => {
  expect(JSON.parse(print([], 'redacted', 'json'))).toMatchObject({
    exporters: { awscloudwatchlogs: { timeout: '30s' } },
  })
})

describe('secrets', () => {
  const sets = [`${EXPORTER}.external_id=\${env:ID}`, `${EXPORTER}.headers={Authorization: "Bearer \${env:ID}"}`]

  test('are hidden, from the environment and inside maps too', () => {
    const text = print(sets, 'redacted', 'yaml', { ID: 'hunter2' })
    expect(text).not.toContain('hunter2')
    expect(text).toContain('external_id: "[REDACTED]"\n    headers:\n      Authorization: "[REDACTED]"')
  })
  test('are shown with --mode unredacted', () => {
    const text = print(sets, 'unredacted', 'yaml', { ID: 'hunter2' })
    expect(text).toContain('external_id: hunter2\n    headers:\n      Authorization: Bearer hunter2')
  })
})

test('printed output loads as the same config, whatever its values', () => {
  // `::` in a key of a map separates keys: a loaded config has none.
  const key = fc
    .oneof(fc.string(), fc.constantFrom('<<', '', 'a b', '#', '${env:X}', '1', 'null'))
    .filter((text) => !text.includes('::') && text !== '__proto__')
  const leaf = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '$',
      '$$',
      '${env:X}',
      '$${X}',
      '1e3',
      'null',
      '~',
      'true',
      '0x1',
      '2001-01-01',
      '- a',
      'a: b',
      ' a',
      "'",
      '|',
      '\n\n',
      '*a',
      '&a',
      '!a',
      '@',
      '%',
    ),
    fc.double({ noDefaultInfinity: true, noNaN: true }).map((number) => number + 0), // JSON has no -0
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(tree, (value) => {
      const first = load({ uris: [`yaml:${GOOD}`, `yaml:exporters::awscloudwatchlogs::anything: ${asYaml(value)}`] })
      expect(anythingIn(first)).toEqual(value)
      const printed = first.kind === 'loaded' ? formatConfig(printableConfig(first.written, 'unredacted'), 'yaml') : ''
      expect(anythingIn(load({ uris: [`yaml:${printed}`] }))).toEqual(value)
    }),
    { numRuns: 300 },
  )
})

/** JSON is YAML; a `$` is written twice. */
function asYaml(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? inner.replaceAll('$', '$$$$') : inner,
  )
}

function anythingIn(loaded: LoadedConfig): unknown {
  if (loaded.kind !== 'loaded') expect.fail(JSON.stringify(loaded))
  const exporter = loaded.config.exporters.get('awscloudwatchlogs')?.config as { readonly anything?: unknown }
  return exporter.anything
}
