import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DaemonConfig } from '../../../src/config/daemon-config.ts'
import type { LoadOptions } from '../../../src/config/load.ts'
import { GOOD, load, problemsOf } from './sample-registry.ts'

function config(options: Partial<LoadOptions>): DaemonConfig {
  const loaded = load(options)
  if (loaded.kind !== 'loaded') expect.fail(JSON.stringify(loaded))
  return loaded.config
}

/** The exporter's config of GOOD with something on top. */
function exporter(options: Partial<LoadOptions>): Record<string, unknown> {
  const loaded = config({ ...options, uris: [`yaml:${GOOD}`, ...(options.uris ?? [])] })
  return loaded.exporters.get('awscloudwatchlogs')?.config as Record<string, unknown>
}

describe('a good config', () => {
  test('becomes the values its components parse, in the order written', () => {
    const { receivers, exporters, service, notes } = config({ uris: [`yaml:${GOOD}`] })
    expect([...receivers]).toMatchObject([
      ['otlp', { id: { type: 'otlp', name: '' }, config: { protocols: { grpc: { endpoint: 'localhost:4317' } } } }],
    ])
    expect([...exporters.values()]).toMatchObject([
      { factory: { type: 'awscloudwatchlogs' }, config: { timeout: 30_000 } },
    ])
    expect([...service.pipelines]).toEqual([
      ['logs', { receivers: ['otlp'], processors: [], exporters: ['awscloudwatchlogs'] }],
    ])
    expect(service.shutdownTimeoutMs).toBe(25_000)
    expect(service.telemetry).toMatchObject({
      logs: { level: 'info', encoding: 'console' },
      metrics: {
        level: 'normal',
        readers: [{ pull: { exporter: { prometheus: { host: 'localhost', port: 8888 } } } }],
      },
    })
    expect(notes).toEqual([])
  })

  test('keeps only components that run, and notes the others', () => {
    const { exporters, extensions, notes } = config({
      uris: [
        `yaml:${GOOD}`,
        'yaml:{ exporters: { debug: , awscloudwatchlogs/b: { log_group_name: b } }, extensions: { health_check: } }',
      ],
    })
    expect([...exporters.keys()]).toEqual(['awscloudwatchlogs'])
    expect([...extensions.keys()]).toEqual([])
    expect(notes).toEqual([
      'exporters.debug is defined and not used: name it in a pipeline, or remove it',
      'exporters.awscloudwatchlogs/b is defined and not used: name it in a pipeline, or remove it',
      'extensions.health_check is defined and not used: name it in service.extensions, or remove it',
    ])
  })

  test('may have a single string where a list is expected', () => {
    const { service } = config({
      uris: [`yaml:${GOOD}`, 'yaml:service::pipelines::logs::receivers: otlp,nop', 'yaml:receivers::nop:'],
    })
    expect(service.pipelines.get('logs')?.receivers).toEqual(['otlp', 'nop'])
  })

  test('notes the keys that have no effect, if their component runs', () => {
    const key = 'protocols::grpc::read_buffer_size: 1'
    const { notes } = config({
      uris: [`yaml:${GOOD}`, `yaml:receivers::otlp::${key}`, `yaml:receivers::otlp/idle::${key}`],
    })
    expect(notes).toEqual([
      'receivers.otlp.protocols.grpc.read_buffer_size is accepted and has no effect: the runtime chooses',
      'receivers.otlp/idle is defined and not used: name it in a pipeline, or remove it',
    ])
  })
})

test("service.telemetry is the collector's: keys without effect are noted", () => {
  const telemetry = `yaml:service::telemetry:
  logs: { level: WARN, encoding: json, sampling: { enabled: true, initial: 10 } }
  metrics:
    level: Detailed
    readers: [{ pull: { exporter: { prometheus: { host: 0.0.0.0, port: 9999, without_units: true } } } }]
  traces: { level: none }
  resource: { service.name: x }
`
  const { service, notes } = config({ uris: [`yaml:${GOOD}`, telemetry] })
  expect(service.telemetry).toMatchObject({
    logs: { level: 'warn', encoding: 'json' },
    metrics: { level: 'detailed', readers: [{ pull: { exporter: { prometheus: { host: '0.0.0.0', port: 9999 } } } }] },
  })
  expect(notes.map((note) => note.split(' is accepted and has no effect: ')[0])).toEqual([
    'service.telemetry.logs.sampling',
    'service.telemetry.metrics.readers[0].pull.exporter.prometheus.without_units',
    'service.telemetry.traces',
    'service.telemetry.resource',
  ])
})

describe('several sources', () => {
  test('merge their maps, in order', () => {
    expect(
      exporter({
        uris: ['yaml:exporters::awscloudwatchlogs::region: a', 'yaml:exporters::awscloudwatchlogs::region: b'],
      }),
    ).toMatchObject({
      log_group_name: '/app',
      region: 'b',
    })
  })
  test('replace lists', () => {
    const key = 'yaml:exporters::awscloudwatchlogs::groups:'
    expect(exporter({ uris: [`${key} [a, b]`, `${key} [c]`] })['groups']).toEqual(['c'])
  })
  test('erase a map with a key that has no value', () => {
    const key = 'yaml:exporters::awscloudwatchlogs::sending_queue:'
    expect(exporter({ uris: [`${key} { queue_size: 1 }`, key] })['sending_queue']).toEqual({
      enabled: true,
      queue_size: 1000,
    })
  })
  test('each name their own lines', () => {
    expect(
      problemsOf(GOOD, {
        uris: [`yaml:${GOOD}`, 'env:MORE'],
        env: { MORE: 'exporters:\n  awscloudwatchlogs:\n    regon: x' },
      }),
    ).toEqual(['env:MORE:3:5: exporters.awscloudwatchlogs.regon: unknown key; did you mean "region"?'])
  })
  test('are merged before references are resolved', () => {
    const key = 'yaml:exporters::awscloudwatchlogs::region:'
    expect(config({ uris: [`yaml:${GOOD}`, `${key} \${env:NEVER}`, `${key} eu-west-1`] }).notes).toEqual([])
  })
})

describe('a file', () => {
  let folder: string
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'load-'))))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.for(['', 'file:'])('is named as %jpath', (scheme) => {
    writeFileSync(join(folder, 'a.yaml'), GOOD)
    expect(config({ uris: [scheme + join(folder, 'a.yaml')] }).exporters.size).toBe(1)
  })
  test('that is missing does not hide the problems of another', () => {
    expect(problemsOf('', { uris: ['/none.yaml', 'yaml:a: [', 'http://x/y', 'env:UNSET'] })).toEqual([
      '--config /none.yaml: the file /none.yaml cannot be read: there is no such file',
      expect.stringMatching(/^yaml:1:5: not valid YAML/),
      "--config http://x/y: a config cannot be fetched over http: download it and write the file's path",
      '--config env:UNSET: the environment variable UNSET is not set: set it, or write a default, env:UNSET:-text',
    ])
  })
})

describe('--set', () => {
  test.for([
    ['exporters.awscloudwatchlogs.region=eu-west-1', { region: 'eu-west-1' }],
    ['exporters::awscloudwatchlogs::region=eu-west-1', { region: 'eu-west-1' }],
    ['exporters.awscloudwatchlogs.sending_queue={queue_size: 3}', { sending_queue: { enabled: true, queue_size: 3 } }],
    ['exporters.awscloudwatchlogs.groups=[a, b]', { groups: ['a', 'b'] }],
    ['exporters.awscloudwatchlogs.groups=a,b', { groups: ['a', 'b'] }],
    ['exporters.awscloudwatchlogs.external_id=0123', { external_id: '0123' }],
    ['exporters.awscloudwatchlogs.region="a=b"', { region: 'a=b' }],
    ['exporters.awscloudwatchlogs.log_group_name={ClusterName}', { log_group_name: '{ClusterName}' }],
    ['exporters.awscloudwatchlogs.region=${env:REGION}', { region: 'eu-north-1' }],
    ['exporters.awscloudwatchlogs.region=*', { region: '*' }],
  ] as const)('%s', ([set, expected]) => {
    expect(exporter({ sets: [set], env: { REGION: 'eu-north-1' } })).toMatchObject(expected)
  })
  test('names itself in a problem, never its value', () => {
    expect(
      problemsOf(GOOD, {
        sets: ['exporters.awscloudwatchlogs.external_id=[hunter2]', 'exporters.awscloudwatchlogs.raw_log=maybe'],
      }),
    ).toEqual([
      '--set exporters.awscloudwatchlogs.raw_log: exporters.awscloudwatchlogs.raw_log: "maybe" is not true or false',
    ])
    expect(problemsOf(GOOD, { sets: ['foo', '=x'] })).toEqual([
      '--set foo: write --set key=value, such as exporters.debug.verbosity=detailed',
      '--set : write --set key=value, such as exporters.debug.verbosity=detailed',
    ])
  })
})

describe('values from the environment', () => {
  const region = (env: Record<string, string>) =>
    exporter({ sets: ['exporters.awscloudwatchlogs.external_id=${env:ID}'], env })['external_id']

  test('are strings where a string is expected', () => {
    expect(region({ ID: '0123' })).toBe('0123')
    expect(region({ ID: 'true' })).toBe('true')
    expect(region({ ID: '{a}' })).toBe('{a}')
    expect(region({ ID: '' })).toBe('')
  })
  test('keep their type elsewhere', () => {
    const uris = ['yaml:exporters::awscloudwatchlogs: { raw_log: "${env:RAW}", sending_queue: "${env:QUEUE}" }']
    expect(exporter({ uris, env: { RAW: 'true', QUEUE: '{queue_size: 2}' } })).toMatchObject({
      raw_log: true,
      sending_queue: { queue_size: 2 },
    })
  })
  test('leave a key at its default when empty', () => {
    const uris = ['yaml:exporters::awscloudwatchlogs::sending_queue::queue_size: ${env:SIZE:-7}']
    expect(exporter({ uris, env: { SIZE: '' } })['sending_queue']).toMatchObject({ queue_size: 1000 })
  })
  test('that should have been a map are refused with the reason', () => {
    expect(
      problemsOf(GOOD, { sets: ['exporters.awscloudwatchlogs.sending_queue=${env:QUEUE}'], env: { QUEUE: 'a: b: c' } }),
    ).toEqual([
      expect.stringMatching(/sending_queue: "a: b: c" is not a map: .* \(env:QUEUE:1:4: not valid YAML: .*\)$/),
    ])
  })
})

describe('without YAML', () => {
  const GROUP = { OTLP_CLOUDWATCH__LOG_GROUP_NAME: '/app' }

  test('the variables run otlp into awscloudwatchlogs', () => {
    const { receivers, exporters, service } = config({
      env: {
        ...GROUP,
        OTLP_CLOUDWATCH__SENDING_QUEUE__QUEUE_SIZE: '5',
        OTLP_CLOUDWATCH__ENDPOINT_URL: 'http://x',
        OTLP_CLOUDWATCH__TAGS: '{Team: a}',
      },
    })
    expect(receivers.get('otlp')?.config).toMatchObject({ protocols: { grpc: {}, http: {} } })
    expect(exporters.get('awscloudwatchlogs')?.config).toMatchObject({
      log_group_name: '/app',
      endpoint: 'http://x',
      sending_queue: { queue_size: 5 },
      tags: { Team: 'a' },
    })
    expect([...service.pipelines.keys()]).toEqual(['logs'])
  })
  test('the variables Kubernetes sets for a Service of that name are ignored', () => {
    expect(
      load({ env: { OTLP_CLOUDWATCH_PORT: 'tcp://10.0.0.1:4317', OTLP_CLOUDWATCH_SERVICE_HOST: '10.0.0.1' } }),
    ).toEqual({ kind: 'nothing' })
  })
  test('a problem names its variable', () => {
    expect(
      problemsOf('', {
        uris: [],
        env: { OTLP_CLOUDWATCH__REGON: 'x', OTLP_CLOUDWATCH__SENDING_QUEUE__ENABLED: 'maybe' },
      }),
    ).toEqual([
      'OTLP_CLOUDWATCH__LOG_GROUP_NAME: is required: Name of the log group.',
      'OTLP_CLOUDWATCH__REGON: unknown key; did you mean "region"?',
      'OTLP_CLOUDWATCH__SENDING_QUEUE__ENABLED: "maybe" is not true or false',
    ])
  })
  test('a --config replaces them all, and that is noted', () => {
    const loaded = config({ uris: [`yaml:${GOOD}`], env: { ...GROUP, OTLP_CLOUDWATCH__REGION: 'eu-west-1' } })
    expect(loaded.exporters.get('awscloudwatchlogs')?.config).toMatchObject({ region: '' })
    expect(loaded.notes).toEqual([
      'OTLP_CLOUDWATCH__LOG_GROUP_NAME, OTLP_CLOUDWATCH__REGION: not used, because --config replaces all variables of the exporter',
    ])
  })
  test('the default config is used only where nothing was given', () => {
    const defaultUri = `yaml:${GOOD}`
    expect(config({ defaultUri }).exporters.get('awscloudwatchlogs')?.config).toMatchObject({ log_group_name: '/app' })
    expect(load({ defaultUri: 'yaml:x', uris: [`yaml:${GOOD}`] }).kind).toBe('loaded')
    expect(load({ defaultUri: 'yaml:x', env: GROUP }).kind).toBe('loaded')
  })
  test('no config is an error, with or without --set', () => {
    expect(load({})).toEqual({ kind: 'nothing' })
    expect(load({ sets: ['a=b'] })).toEqual({ kind: 'nothing' })
  })
})

test('no message contains a secret', () => {
  const text = GOOD + 'extensions: { health_check: { pth: x } }'
  const problems = problemsOf(text, {
    sets: ['exporters.awscloudwatchlogs.headers={a: [1]}', 'exporters.awscloudwatchlogs.external_id=${env:SECRET}'],
    env: { SECRET: 'hunter2' },
  })
  expect(problems).toHaveLength(2)
  expect(problems.join()).not.toContain('hunter2')
  expect(problems.join()).toContain('[REDACTED] is not a string')
})
