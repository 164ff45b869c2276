// The receiver on a socket, before a pipeline that answers as the test says.
import { expect, onTestFinished, test } from 'vitest'
import type { Outcome } from '../../../../src/accounting/outcome.ts'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import { decodeLogs } from '../../../../src/otlp/logs.ts'
import { httpJsonReceiver } from '../../../../src/receivers/http_json/index.ts'
import type { HttpJsonReceiver } from '../../../../src/receivers/http_json/receiver.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { Registry } from '../../../../src/telemetry/registry.ts'
import { RecordingConsumer, until } from '../otlp/running-receiver.ts'

const LOG = { log_group: '/a', log_stream: 's', log_message: 'm', level: 'error' }

async function start(config: object = {}) {
  const next = new RecordingConsumer()
  const budget = new ByteBudget(64 * 1024 * 1024)
  const receiver = httpJsonReceiver.create(
    {
      id: { type: 'http_json', name: '' },
      config: httpJsonReceiver.config.parse({ endpoint: '127.0.0.1:0', ...config }),
      logger: silentLogger,
      metrics: new Registry(),
      budget,
      build: { name: 'test', version: '0' },
      siblings: ALONE,
    },
    next,
  ) as HttpJsonReceiver
  onTestFinished(() => receiver.shutdown(AbortSignal.abort()))
  await receiver.start({ extension: () => undefined, fatal: (error) => expect.fail(error.message) })
  const post = async (body: unknown, key?: string) => {
    const response = await fetch(`http://127.0.0.1:${receiver.port}/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
      body: JSON.stringify(body),
    })
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() }
  }
  return { receiver, next, budget, post }
}

test('a log is an OTLP record with severity, and its names are attributes of the resource', async () => {
  const { next, post } = await start()
  await post([LOG, { ...LOG, log_message: 'n' }, { ...LOG, log_stream: 't' }])
  const [request] = next.requests
  expect(request).toMatchObject({ namesDestination: true, bare: true, identity: undefined })
  const resources = decodeLogs(request?.bytes ?? Buffer.alloc(0))
  expect(resources).toHaveLength(2)
  expect(next.records.map(({ body, severityNumber, severityText }) => [body, severityNumber, severityText])).toEqual([
    ['m', 17, 'error'],
    ['n', 17, 'error'],
    ['m', 17, 'error'],
  ])
})

const retry: Outcome = { kind: 'retry', cause: 'storage_full', afterMs: 2_500, message: 'full' }
const some: Outcome = { kind: 'accepted', records: 2, rejected: 1, message: '1 too_large: sample' }
const none: Outcome = { kind: 'accepted', records: 2, rejected: 2, message: '2 too_large: sample' }
const later: Outcome = { kind: 'accepted', records: 2, rejected: 2, message: '2 lane_full: sample', passing: true }

test.each([
  ['a pipeline that is full', retry, { status: 503, retryAfter: '3', body: { message: 'full' } }],
  [
    'some logs rejected',
    some,
    { status: 202, body: { status: 'queued', rejected: 1, message: '1 too_large: sample' } },
  ],
  ['all logs rejected', none, { status: 422, retryAfter: null, body: { message: '2 too_large: sample' } }],
  ['all logs rejected for now', later, { status: 503, retryAfter: '1', body: { message: '2 lane_full: sample' } }],
])('%s', async (_, outcome, answer) => {
  const { next, post } = await start()
  next.outcome = outcome
  expect(await post([LOG, LOG])).toMatchObject(answer)
})

test.each([
  ['a refusal by the pipeline', retry],
  ['a rejection of all logs', none],
])('%s leaves no key', async (_, outcome) => {
  const { next, post } = await start()
  next.outcome = outcome
  expect((await post([LOG, LOG], 'k')).status).toBeGreaterThan(400)
  next.outcome = undefined
  expect((await post([LOG, LOG], 'k')).status).toBe(202)
  expect((await post([LOG, LOG], 'k')).status).toBe(202)
  expect(next.requests).toHaveLength(2)
})

test('the number of rejected logs is part of the repeated response', async () => {
  const { next, post } = await start()
  next.outcome = some
  await post([LOG, LOG], 'k')
  expect(await post([LOG, LOG], 'k')).toMatchObject({ status: 202, body: { status: 'queued', rejected: 1 } })
  expect(next.requests).toHaveLength(1)
})

test('a client that hangs up after its request leaves its key, as the logs may be queued', async () => {
  const { receiver, next, post } = await start()
  next.hold = true
  const controller = new AbortController()
  const sent = fetch(`http://127.0.0.1:${receiver.port}/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
    body: JSON.stringify(LOG),
    signal: controller.signal,
  }).catch(() => 'gone')
  await until(() => next.held.length === 1, 'the pipeline has it')
  controller.abort()
  await sent
  expect((await post(LOG, 'k')).status).toBe(409)
  next.held[0]?.({ kind: 'accepted', records: 1, rejected: 0, message: '' })
  expect((await post(LOG, 'k')).status).toBe(202)
  expect(next.requests).toHaveLength(1)
})

test('the mapped request is within its bound, and all memory is given back', async () => {
  const { next, budget, post } = await start()
  const short = { log_group: 'a', log_stream: 'b', log_message: 'c', level: 'INFO' }
  const logs = Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? short : { ...short, log_group: 'b' }))
  expect((await post(logs)).status).toBe(202)
  expect(next.requests[0]?.bytes.length).toBeLessThan(JSON.stringify(logs).length * 1.3)
  await until(() => budget.used === 0, 'the budget is empty')
})
