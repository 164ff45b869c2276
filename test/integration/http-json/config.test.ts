import { expect, test } from 'vitest'
import { configFile, runToEnd } from '../daemon/daemon.ts'
import { jsonConfig, LOG, run } from './setup.ts'

async function validate(config: object) {
  const { code, stdout, stderr } = await runToEnd(['validate', '--config', await configFile(config)])
  return { code, text: stdout + stderr }
}

const OPEN = { endpoint: '0.0.0.0:0' }

test('beyond loopback without authentication, allowed_log_groups is required', async () => {
  const exporter = { allowed_log_groups: undefined }
  const open = await validate(jsonConfig('http://localhost:1', { receiver: OPEN, exporter }))
  expect(open.code).toBe(2)
  expect(open.text).toContain(
    'exporters.awscloudwatchlogs.allowed_log_groups: is required, because any client of http_json can name its log group',
  )
  const token = { bearertokenauth: { token: 'secret' } }
  const receiver = { ...OPEN, auth: { authenticator: 'bearertokenauth' } }
  for (const parts of [
    { receiver: OPEN },
    { exporter },
    { receiver, exporter, extensions: token },
    { receiver: OPEN, exporter: { ...exporter, route_from_attributes: false } },
  ])
    expect.soft(await validate(jsonConfig('http://localhost:1', parts))).toMatchObject({ code: 0 })
})

test('wrong options are refused with what to write', async () => {
  for (const [parts, message] of [
    [{ receiver: { path: 'logs' } }, 'has to start with "/": write a path such as /logs'],
    [{ receiver: { path: '/openapi.json' } }, 'is the path of the OpenAPI document: write another one'],
    [{ receiver: { status: 201 } }, '202'],
    [{ receiver: { storage: 'file_storage' } }, 'extension "file_storage" is not defined'],
    [
      { exporter: { route_from_attributes: true, allowed_log_groups: undefined } },
      'lets clients choose the group: write allowed_log_groups',
    ],
  ] as const) {
    const { code, text } = await validate(jsonConfig('http://localhost:1', parts))
    expect.soft(code, message).toBe(2)
    expect.soft(text).toContain(message)
  }
})

test('names may use metadata if the receiver passes it on', async () => {
  const exporter = { log_stream_name: '{metadata.x-tenant|"none"}' }
  const without = await validate(jsonConfig('http://localhost:1', { exporter }))
  expect(without.code).toBe(2)
  expect(without.text).toContain('uses metadata.x-tenant, which no receiver passes on')
  const own = { ...exporter, log_group_name: '/apps/a', route_from_attributes: false }
  const { local, daemon } = await run({ receiver: { include_metadata: true }, exporter: own })
  const response = await fetch(`http://127.0.0.1:${daemon.httpPort}/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-tenant': 'blue' },
    body: JSON.stringify(LOG),
  })
  expect(response.status).toBe(202)
  expect(await daemon.stop()).toBe(0)
  expect(local.events('/apps/a', 'blue')).toHaveLength(1)
})

test('the OpenAPI document names the path, the status and the credentials of this config', async () => {
  const { daemon } = await run({ receiver: { path: '/v2/logs', status: 200 } })
  const url = `http://127.0.0.1:${daemon.httpPort}`
  const response = await fetch(`${url}/openapi.json`)
  expect(response.headers.get('content-type')).toBe('application/json')
  const document = (await response.json()) as { readonly paths: Record<string, { readonly post: object }> }
  expect(document).toMatchObject({ openapi: '3.1.0' })
  expect(document.paths['/v2/logs']?.post).toMatchObject({ responses: { 200: {}, 409: {}, 422: {}, 503: {} } })
  expect(document).not.toHaveProperty('security')
  const wrong = await fetch(`${url}/logs`, { method: 'POST' })
  expect(wrong.status).toBe(404)
  expect(await wrong.json()).toMatchObject({ message: 'there is nothing at "/logs": send logs to /v2/logs' })
})
