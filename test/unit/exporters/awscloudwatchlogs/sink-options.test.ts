// The options of fapilog's CloudWatch sink, by each way to write them: the YAML, variables without YAML, the library.
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { components } from '../../../../src/components.ts'
import { formatConfig, printableConfig } from '../../../../src/config/describe/print.ts'
import { loadConfig } from '../../../../src/config/load.ts'
import { FAPILOG_SETTINGS } from '../../../../src/config/sources/fapilog-variables.ts'
import { formatProblem } from '../../../../src/config/yaml/findings.ts'
import type { Config } from '../../../../src/exporters/awscloudwatchlogs/config.ts'
import { readOptions } from '../../../../src/exporters/awscloudwatchlogs/library/read-options.ts'
import { resolve } from '../../../../src/exporters/awscloudwatchlogs/settings/resolve.ts'

const EXPORTER = 'awscloudwatchlogs'
const NAMES = { log_group_name: '/app', log_stream_name: 'main' }

function load(env: Readonly<Record<string, string>>, keys?: object) {
  const config = {
    receivers: { otlp: { protocols: { http: {} } } },
    exporters: { [EXPORTER]: { ...NAMES, ...keys } },
    service: { pipelines: { logs: { receivers: ['otlp'], exporters: [EXPORTER] } } },
  }
  const uris = keys === undefined ? [] : [`yaml:${JSON.stringify(config)}`]
  return loadConfig({ uris, sets: [], env, registry: components })
}

function configOf(loaded: ReturnType<typeof load>): Config {
  if (loaded.kind !== 'loaded')
    throw new Error(loaded.kind === 'invalid' ? loaded.problems.map(formatProblem).join('\n') : 'no config')
  return loaded.config.exporters.get(EXPORTER)?.config as Config
}

function problemsOf(loaded: ReturnType<typeof load>): string[] {
  return loaded.kind === 'invalid' ? loaded.problems.map(formatProblem) : []
}

const settingsOf = (config: Config) => resolve(config, 1, {})

type Settings = ReturnType<typeof settingsOf>

/** Each option: as a variable has it, as the YAML has it, and the setting that it changes. */
const ROWS: readonly {
  readonly key: string
  readonly text: string
  readonly written: object
  readonly setting: (settings: Settings, config: Config) => unknown
  readonly becomes: unknown
  /** A wrong value in a variable, and the problem. */
  readonly wrong: readonly [text: string, problem: RegExp]
}[] = [
  {
    key: 'LOG_GROUP_NAME',
    text: '/py',
    written: { log_group_name: '/py' },
    setting: (_, { log_group_name }) => log_group_name,
    becomes: '/py',
    wrong: ['a b', /has " ": a log group name holds/],
  },
  {
    key: 'LOG_STREAM_NAME',
    text: 'web',
    written: { log_stream_name: 'web' },
    setting: (_, { log_stream_name }) => log_stream_name,
    becomes: 'web',
    wrong: ['a:b', /has ":": a log stream name holds/],
  },
  {
    key: 'REGION',
    text: 'eu-west-1',
    written: { region: 'eu-west-1' },
    setting: ({ client }) => client.region,
    becomes: 'eu-west-1',
    wrong: ['a\nb', /has a line break/],
  },
  {
    key: 'ENDPOINT_URL',
    text: 'http://localstack:4566',
    written: { endpoint_url: 'http://localstack:4566' },
    setting: ({ client }) => client.endpoint,
    becomes: 'http://localstack:4566',
    wrong: ['ftp://x', /"ftp:\/\/x" is not the URL of an HTTP server: write https/],
  },
  {
    key: 'BATCH_SIZE',
    text: '250',
    written: { batch_size: 250 },
    setting: ({ lanes }) => [lanes.policy.fullItems, lanes.policy.maxItems],
    becomes: [250, 10_000],
    wrong: ['0', /0 is too small: write at least 1$/],
  },
  {
    key: 'BATCH_TIMEOUT_SECONDS',
    text: '2.5',
    written: { batch_timeout_seconds: '2500ms' },
    setting: ({ lanes }) => lanes.flushIntervalMs,
    becomes: 2_500,
    wrong: ['soon', /"soon" is not a time above 0: write seconds, such as 5/],
  },
  {
    key: 'MAX_RETRIES',
    text: '4',
    written: { max_retries: 4 },
    setting: (_, { max_retries }) => max_retries,
    becomes: 4,
    wrong: ['-1', /-1 is too small: write at least 0$/],
  },
  {
    key: 'RETRY_BASE_DELAY',
    text: '1s',
    written: { retry_base_delay: 1 },
    setting: ({ lanes }) => lanes.backoff.initialMs,
    becomes: 1_000,
    wrong: ['0', /0 is not a time above 0/],
  },
  {
    key: 'CREATE_LOG_GROUP',
    text: 'false',
    written: { create_log_group: false },
    setting: ({ createGroups }) => createGroups,
    becomes: false,
    wrong: ['maybe', /"maybe" is not true or false$/],
  },
  {
    key: 'CREATE_LOG_STREAM',
    text: 'False',
    written: { create_log_stream: false },
    setting: ({ createStreams }) => createStreams,
    becomes: false,
    wrong: ['2', /2 is not true or false$/],
  },
  {
    key: 'CIRCUIT_BREAKER_ENABLED',
    text: 'true',
    written: { circuit_breaker_enabled: true },
    setting: ({ lanes }) => lanes.breakAfter,
    becomes: 5,
    wrong: ['open', /"open" is not true or false$/],
  },
  {
    key: 'CIRCUIT_BREAKER_THRESHOLD',
    text: '7',
    written: { circuit_breaker_threshold: 7 },
    setting: ({ lanes }) => lanes.breakAfter,
    becomes: 7,
    wrong: ['0', /0 is too small: write at least 1$/],
  },
  {
    key: 'SIZE_GUARD__MAX_BYTES',
    text: '100 KiB',
    written: { size_guard: { max_bytes: 102_400 } },
    setting: ({ events }) => events.maxMessageBytes,
    becomes: 102_400,
    wrong: ['100', /100 is too small: write at least 256$/],
  },
  {
    key: 'SIZE_GUARD__ACTION',
    text: 'drop',
    written: { size_guard: { action: 'drop' } },
    setting: ({ events }) => events.onOversize,
    becomes: 'reject',
    wrong: ['warn', /"warn" sends a longer event unchanged, .*: write truncate/],
  },
]

const WAYS = [
  ['our prefix', (key: string) => `OTLP_CLOUDWATCH__${key}`],
  [
    'fapilog’s short names',
    (key: string) => (key.startsWith('SIZE') ? `FAPILOG_${key}` : `FAPILOG_CLOUDWATCH__${key}`),
  ],
  [
    'fapilog’s nested names',
    (key: string) =>
      key.startsWith('SIZE') ? `FAPILOG_PROCESSOR_CONFIG__${key}` : `FAPILOG_SINK_CONFIG__CLOUDWATCH__${key}`,
  ],
] as const
/** What each config needs beside the row. */
const OURS = { OTLP_CLOUDWATCH__LOG_GROUP_NAME: '/app', OTLP_CLOUDWATCH__LOG_STREAM_NAME: 'main' }

function environment(name: string, key: string, text: string): Record<string, string> {
  const others = Object.entries(OURS).filter(([ours]) => ours !== `OTLP_CLOUDWATCH__${key}`)
  return { ...Object.fromEntries(others), [name]: text }
}

describe.each(WAYS)('a variable by %s', (_, nameOf) => {
  test.each(ROWS)('sets $key', ({ key, text, setting, becomes }) => {
    const config = configOf(load(environment(nameOf(key), key, text)))
    expect(setting(settingsOf(config), config)).toEqual(becomes)
  })

  test.each(ROWS)('is named in the error about a wrong $key', ({ key, wrong: [text, problem] }) => {
    const problems = problemsOf(load(environment(nameOf(key), key, text)))
    expect(problems).toEqual([expect.stringMatching(problem)])
    expect(problems[0]).toMatch(new RegExp(`^${nameOf(key)}: `))
  })
})

describe('the YAML', () => {
  test.each(ROWS)('has $key', ({ written, setting, becomes }) => {
    const config = configOf(load({}, written))
    expect(setting(settingsOf(config), config)).toEqual(becomes)
  })

  test('is printed in a form that loads as the same config', () => {
    const written = { retry_base_delay: 1, ...Object.assign({}, ...ROWS.map((row) => row.written)) } as object
    const loaded = load({}, written)
    if (loaded.kind !== 'loaded') return expect.fail('not loaded')
    const text = formatConfig(printableConfig(loaded.written, 'unredacted'), 'yaml')
    const again = loadConfig({ uris: [`yaml:${text}`], sets: [], env: {}, registry: components })
    expect(configOf(again)).toEqual(configOf(loaded))
  })

  test.each([
    [{ endpoint_url: 'http://a', endpoint: 'http://a' }, 'endpoint_url', 'endpoint'],
    [{ batch_timeout_seconds: 5, flush_interval: '5s' }, 'batch_timeout_seconds', 'flush_interval'],
    [
      { retry_base_delay: 1, retry_on_failure: { initial_interval: '1s' } },
      'retry_base_delay',
      'retry_on_failure.initial_interval',
    ],
    [{ size_guard: { max_bytes: 1_000 }, max_event_bytes: 1_000 }, 'size_guard.max_bytes', 'max_event_bytes'],
    [{ size_guard: { action: 'drop' }, on_oversize: 'reject' }, 'size_guard.action', 'on_oversize'],
  ])('%j has one option under two names', (keys, alias, option) => {
    expect(problemsOf(load({}, keys))).toEqual([
      expect.stringMatching(
        new RegExp(
          `^yaml:.*: exporters.awscloudwatchlogs.${alias}: is another name of exporters.awscloudwatchlogs.${option}, which is written too: remove one of them$`,
        ),
      ),
    ])
  })

  test('batch_size and sending_queue.batch both set the size of a batch', () => {
    const keys = { batch_size: 10, sending_queue: { batch: { min_size: 20 } } }
    expect(problemsOf(load({}, keys))).toEqual([
      expect.stringMatching(/batch_size: is set by sending_queue.batch.min_size too: remove one of them$/),
    ])
  })

  test('without any of these options nothing changes', () => {
    expect(settingsOf(configOf(load({}, {})))).toMatchObject({
      createGroups: true,
      createStreams: true,
      lanes: { flushIntervalMs: 1_000, maxTries: undefined, breakAfter: undefined, backoff: { initialMs: 200 } },
      warnings: [],
    })
  })

  test('a breaker that is off stays off, whatever its threshold', () => {
    const config = configOf(load({}, { circuit_breaker_enabled: false, circuit_breaker_threshold: 3 }))
    expect(settingsOf(config).lanes.breakAfter).toBeUndefined()
  })

  test('max_retries warns of what it costs, and 0 is no maximum', () => {
    expect(settingsOf(configOf(load({}, { max_retries: 3 }))).warnings).toEqual([
      'max_retries has no effect without sending_queue.storage, which has room for dead letters: records are retried; write retry_on_failure.max_elapsed_time to give them up',
    ])
    const none = settingsOf(configOf(load({}, { max_retries: 0 })))
    expect([none.lanes.maxTries, none.warnings]).toEqual([undefined, []])
  })
})

describe('fapilog’s variables', () => {
  test('name every setting of its sink that the exporter has', () => {
    const written = new Set(ROWS.map(({ key }) => key.toLowerCase()))
    const listed = [
      ...Object.keys(FAPILOG_SETTINGS.sink),
      ...Object.keys(FAPILOG_SETTINGS.size_guard).map((name) => `size_guard__${name}`),
    ]
    expect(listed.filter((name) => !written.has(name))).toEqual(['size_guard__preserve_fields'])
  })

  test('need no names: the group is fapilog’s default, the stream is the host', () => {
    expect(configOf(load({ FAPILOG_CLOUDWATCH__REGION: 'us-east-1' }))).toMatchObject({
      log_group_name: '/fapilog/default',
      log_stream_name: hostname(),
    })
  })

  test.each([
    ['yes', true],
    ['ON', true],
    ['1', true],
    ['no', false],
    ['off', false],
    ['0', false],
  ])('have fapilog’s words for a flag: %s', (text, value) => {
    const env = { FAPILOG_CLOUDWATCH__CREATE_LOG_GROUP: text }
    expect(configOf(load(env)).create_log_group).toBe(value)
  })

  test('with a word that is none for a flag are errors', () => {
    expect(problemsOf(load({ FAPILOG_CLOUDWATCH__CREATE_LOG_GROUP: 'constructor' }))).toEqual([
      'FAPILOG_CLOUDWATCH__CREATE_LOG_GROUP: "constructor" is not true or false',
    ])
  })

  test('of the size guard alone, and of the library itself, configure nothing', () => {
    expect(load({ FAPILOG_SIZE_GUARD__MAX_BYTES: '1000', FAPILOG_CORE__LOG_LEVEL: 'INFO' })).toEqual({
      kind: 'nothing',
    })
  })

  test('that name one option twice are an error', () => {
    const env = {
      FAPILOG_CLOUDWATCH__REGION: 'a',
      OTLP_CLOUDWATCH__REGION: 'a',
      FAPILOG_CLOUDWATCH__ENDPOINT_URL: 'http://a',
    }
    expect(problemsOf(load(env))).toEqual([
      'OTLP_CLOUDWATCH__REGION: sets the same option as FAPILOG_CLOUDWATCH__REGION: remove one of them',
    ])
    const alias = { ...env, OTLP_CLOUDWATCH__ENDPOINT: 'http://b' }
    expect(problemsOf(load(without(alias, 'OTLP_CLOUDWATCH__REGION')))).toEqual([
      'FAPILOG_CLOUDWATCH__ENDPOINT_URL: is another name of OTLP_CLOUDWATCH__ENDPOINT, which is written too: remove one of them',
    ])
  })

  test('of no setting are errors that name them', () => {
    expect(problemsOf(load({ FAPILOG_CLOUDWATCH__BATCH_SISE: '1', ...OURS }))).toEqual([
      'FAPILOG_CLOUDWATCH__BATCH_SISE: unknown key; did you mean "batch_size"?',
    ])
  })
})

describe('the library', () => {
  test('has the same options in camel case', () => {
    const { config } = readOptions({
      logGroupName: '/app',
      logStreamName: 'main',
      endpointUrl: 'http://a',
      batchTimeoutSeconds: 2,
      retryBaseDelay: 0.5,
      maxRetries: 3,
      createLogGroup: false,
      circuitBreakerThreshold: 5,
      sizeGuard: { maxBytes: 1_000 },
    })
    expect(config).toMatchObject({
      endpoint: 'http://a',
      flush_interval: 2_000,
      retry_on_failure: { initial_interval: 500 },
      max_retries: 3,
      create_log_group: false,
      max_event_bytes: 1_000,
    })
  })

  test('refuses an option under two names, by its own names', () => {
    const options = { logGroupName: '/a', logStreamName: 's', batchTimeoutSeconds: 2, flushInterval: '1s' }
    expect(() => readOptions(options)).toThrow(
      'batchTimeoutSeconds: is another name of flushInterval, which is written too: remove one of them',
    )
  })
})

function without(env: Readonly<Record<string, string>>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([other]) => other !== name))
}
