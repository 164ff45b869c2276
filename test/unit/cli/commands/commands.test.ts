import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { CONFIG, runCli } from '../run-cli.ts'

describe('validate', () => {
  test('prints what a good config would do', async () => {
    const more = 'yaml:{ receivers: { nop: }, extensions: { health_check: }, service: { extensions: [health_check] } }'
    const { code, out } = await runCli([
      'validate',
      ...CONFIG,
      '--config',
      more,
      '--set',
      'service.telemetry.metrics.level=basic',
    ])
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'yaml:, yaml: is valid.',
      '  logs: otlp -> awscloudwatchlogs',
      '  listens on localhost:4317 (otlp grpc), localhost:13133 (health_check), localhost:8888 (metrics)',
      '  writes to awscloudwatchlogs (log_group_name /app, log_stream_name default)',
      '  note: receivers.nop is defined and not used: name it in a pipeline, or remove it',
      '',
    ])
  })

  test('exits with 2 where run would', async () => {
    expect(await runCli(['validate'])).toMatchObject({ code: 2, out: '' })
    expect(await runCli(['validate', '--config', '/none'])).toEqual({
      code: 2,
      out: '',
      err: '--config /none: the file /none cannot be read: there is no such file\n',
    })
  })
})

test("components lists them as YAML, in the collector's words", async () => {
  const { code, out } = await runCli(['components'])
  expect(code).toBe(0)
  expect(parse(out)).toMatchObject({
    buildinfo: { command: 'otlp-cloudwatch' },
    receivers: [{ name: 'nop' }, { name: 'otlp', stability: { logs: 'Beta' } }],
    extensions: [{ name: 'health_check', stability: { extension: 'Beta' } }],
    providers: [{ scheme: 'env' }, { scheme: 'file' }, { scheme: 'yaml' }],
  })
})

describe('print-config', () => {
  const args = ['print-config', ...CONFIG, '--set', 'exporters.awscloudwatchlogs.external_id=${env:ID}']
  const env = { ID: 'hunter2' }

  test('hides secrets by default', async () => {
    expect((await runCli(args, { env })).out).toContain('external_id: "[REDACTED]"')
    expect((await runCli([...args, '--mode', 'unredacted'], { env })).out).toContain('external_id: hunter2')
  })
  test('writes JSON with --format json', async () => {
    const { out } = await runCli([...args, '--format', 'json'], { env })
    expect(JSON.parse(out)).toMatchObject({ exporters: { awscloudwatchlogs: { external_id: '[REDACTED]' } } })
  })
  test('refuses another mode or format', async () => {
    expect(await runCli([...args, '--mode', 'secret', '--format', 'toml'], { env })).toEqual({
      code: 2,
      out: '',
      err: '--mode must be redacted or unredacted, not "secret"\n--format must be yaml or json, not "toml"\n',
    })
  })
})

test('schema prints a JSON Schema', async () => {
  const { code, out } = await runCli(['schema'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' })
})

describe('health', () => {
  let status = 200
  const asked: (string | undefined)[] = []
  const server = createServer((request, response) => {
    asked.push(request.url)
    response.writeHead(status).end('{"status":"as configured"}')
  })
  let endpoint: string
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    endpoint = `localhost:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => new Promise((resolve) => void server.close(resolve)))

  test('exits with 0 and the answer where the daemon is healthy', async () => {
    status = 200
    expect(await runCli(['health', '--endpoint', endpoint])).toEqual({
      code: 0,
      out: '{"status":"as configured"}\n',
      err: '',
    })
  })

  test('exits with 1 where it is not, or does not answer', async () => {
    status = 503
    const { code, err } = await runCli(['health', '--endpoint', endpoint])
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/answered 503: \{"status":"as configured"\}\n$/),
    })
    expect(await runCli(['health', '--endpoint', '127.0.0.1:1'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('does not answer'),
    })
  })

  test('finds the extension in the config', async () => {
    status = 200
    const extension = `yaml:{ extensions: { health_check: { endpoint: "0.0.0.0:${endpoint.split(':')[1]}", path: /ready } }, service: { extensions: [health_check] } }`
    expect(await runCli(['health', ...CONFIG, '--config', extension])).toMatchObject({ code: 0 })
    expect(asked.at(-1)).toBe('/ready')
  })

  test('exits with 2 where the config has none, or the address is none', async () => {
    expect(await runCli(['health', ...CONFIG])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no health_check'),
    })
    expect(await runCli(['health', '--endpoint', 'a b'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not an address'),
    })
  })
})
