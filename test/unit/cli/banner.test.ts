import { expect, test } from 'vitest'
import type { CommandContext } from '../../../src/cli/command.ts'
import { components as real } from '../../../src/components.ts'
import { FakeDaemon, runCli } from './run-cli.ts'

const config = (exporter: string, otlp = 'grpc: {}, http: {}', service = '') => `yaml:
receivers: { otlp: { protocols: { ${otlp} } } }
exporters: { ${exporter} }
service:
  ${service}
  pipelines: { logs: { receivers: [otlp], exporters: [${[...exporter.matchAll(/(\S+): \{ log_group/g)].map(([, id]) => id).join(', ')}] } }
`
const APP = 'awscloudwatchlogs: { log_group_name: /app, log_stream_name: main, region: eu-central-1 }'
const LOCAL =
  'awscloudwatchlogs: { log_group_name: "/q/{service.name}", log_stream_name: s, endpoint: "http://localhost:4588" }'

/** Starts a daemon, stops it once it is ready, and returns what went to stdout. */
async function started(args: readonly string[], context: Partial<Omit<CommandContext, 'daemon'>>): Promise<string> {
  const stop = Promise.withResolvers<void>()
  const daemon = new FakeDaemon()
  daemon.startsWith = async () => void setImmediate(() => setImmediate(() => stop.resolve()))
  const components = async () => real
  const { code, out, err } = await runCli(args, { daemon, components, stopRequested: stop.promise, ...context })
  expect([code, err]).toEqual([0, ''])
  return out
}

test('a terminal shows where to send, where records are stored, and how to read them', async () => {
  const out = await started(['--default-config', config(LOCAL)], { terminal: true })
  expect(out.split('\n').slice(3)).toEqual([
    '  send   OTLP/gRPC to localhost:4317',
    '         OTLP/HTTP to http://localhost:4318/v1/logs',
    '  store  /q/{service.name} in CloudWatch Logs at http://localhost:4588',
    '  read   npm start -- tail',
    '',
    '',
  ])
  expect(out).toMatch(/^\n {2}otlp-cloudwatch \S+ is ready\n/)
})

test('colors are for a terminal that shows them', async () => {
  const args = ['--config', config(APP)]
  expect(await started(args, { terminal: true, colors: true })).toContain('\u001b[1mstore\u001b[0m')
  expect(await started(args, { terminal: true })).not.toContain('\u001b')
})

test.each<[string, readonly string[], Partial<CommandContext>]>([
  ['a pipe', [], {}],
  ['a worker', ['--banner'], { terminal: true, isWorker: true }],
  ['logs in JSON', ['--set', 'service.telemetry.logs.encoding=json'], { terminal: true }],
])('%s shows nothing', async (_, more, context) => {
  expect(await started(['--config', config(APP), ...more], context)).toBe('')
})

test('--banner shows it in a pipe too', async () => {
  expect(await started(['run', '--banner', '--config', config(APP)], {})).toContain('is ready')
})

test.each<[string, readonly string[], Partial<CommandContext>, string]>([
  [
    'a config that another shell may lack is replaced by options',
    ['--config', config(LOCAL)],
    {},
    "otlp-cloudwatch tail '/q/*' --endpoint http://localhost:4588",
  ],
  [
    'variables are replaced, also under npm start',
    ['--default-config', config(LOCAL)],
    {
      env: {
        OTLP_CLOUDWATCH__LOG_GROUP_NAME: '/env',
        OTLP_CLOUDWATCH__LOG_STREAM_NAME: 's',
        OTLP_CLOUDWATCH__REGION: 'us-west-2',
      },
    },
    'npm start -- tail /env --region us-west-2',
  ],
  [
    'the script is named as it was started',
    ['--config', config(APP)],
    { launchedBy: ['node', `${process.cwd()}/dist/main.js`] },
    'node dist/main.js tail /app --region eu-central-1',
  ],
  ['npx is named', ['--config', config(APP)], { env: { npm_command: 'exec' } }, 'npx otlp-cloudwatch tail /app'],
  [
    'each of several exporters has a command',
    ['--config', config(`${APP}, awscloudwatchlogs/b: { log_group_name: "{x}", log_stream_name: s }`)],
    {},
    "otlp-cloudwatch tail '*' --exporter awscloudwatchlogs/b",
  ],
])('%s', async (_, args, context, command) => {
  expect(await started(args, { terminal: true, ...context })).toContain(`  ${command}`)
})

test.each([
  ['http: { endpoint: "0.0.0.0:80", logs_url_path: /x }', 'http://localhost:80/x, from other machines'],
  ['grpc: { endpoint: "[::]:4317" }', 'OTLP/gRPC to localhost:4317, from other machines'],
  ['grpc: { endpoint: "127.0.0.1:0" }', 'OTLP/gRPC to a port that the system chooses'],
  ['grpc: { endpoint: /run/otlp.sock, transport: unix }', 'OTLP/gRPC to /run/otlp.sock\n'],
  ['http: { tls: { cert_file: /a, key_file: /b } }', 'OTLP/HTTP to https://localhost:4318/v1/logs'],
])('an address of %s is one that clients can use', async (otlp, shown) => {
  expect(await started(['--config', config(APP, otlp)], { terminal: true })).toContain(shown)
})
