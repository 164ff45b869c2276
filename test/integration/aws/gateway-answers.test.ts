// Answers of what stands between the exporter and CloudWatch, and answers that ask to wait.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { library } from '../library/library.ts'

const PAGE = '<html><body>c4n4ry</body></html>'

/** Gives every call the same answer, and counts them. */
async function gateway(
  answer: (response: ServerResponse, calls: number) => void,
): Promise<{ url: string; calls: number }> {
  const counted = { url: '', calls: 0 }
  const server = createServer((request, response) => {
    request.resume().on('end', () => answer(response, ++counted.calls))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  counted.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return counted
}

test.each<[status: number, headers: Record<string, string>, body: string, maybeTaken: boolean]>([
  [301, { location: 'https://login.example/?token=c4n4ry', 'content-type': 'text/html' }, PAGE, false],
  [302, { location: '/login' }, '', false],
  [303, { 'content-type': 'application/json' }, '{}', false],
  [307, {}, PAGE, false],
  [400, { 'content-type': 'text/html' }, PAGE, false],
  [403, { 'content-type': 'text/html' }, PAGE, false],
  [404, { 'content-type': 'text/plain' }, 'not found', false],
  [407, { 'content-type': 'text/html' }, PAGE, false],
  [429, { 'content-type': 'text/html' }, PAGE, false],
  [503, { 'content-type': 'text/html' }, PAGE, false],
  // What forwards may have lost the answer.
  [502, { 'content-type': 'text/html' }, PAGE, true],
  [504, {}, '', true],
  [200, { 'content-type': 'text/html' }, PAGE, true],
])('a %i of a gateway with %j: possible duplicates %#', async (status, headers, body, maybeTaken) => {
  const between = await gateway((response) => response.writeHead(status, headers).end(body))
  const { exporter, send } = await library({ endpoint: between.url, flushTimeoutMillis: 100 })
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => exporter.ledger.retries >= 2, { timeout: 20_000 })
  expect(exporter.ledger.possibleDuplicates > 0).toBe(maybeTaken)
  expect(exporter.ledger).toMatchObject({ queued: 1 })
  expect(exporter.ledger.rejected).toMatchObject({ poison: 0 })
  await exporter.shutdown()
  await sent
})

test.each<[status: number, headers: Record<string, string>, reason: string, error: string]>([
  [
    301,
    { location: 'https://user:c4n4ry@login.example/in?token=c4n4ry', 'content-type': 'text/html' },
    'redirected',
    'the endpoint answered 301 to https://login.example/in with text/html: CloudWatch never redirects: write the URL of CloudWatch itself as endpoint',
  ],
  [
    403,
    { 'content-type': 'text/html; charset=utf-8', server: 'squid/6' },
    'garbage_answer',
    'the endpoint answered 403 with text/html (server: squid/6): this is not CloudWatch Logs: check endpoint, proxy_address and the network between',
  ],
  [
    407,
    {},
    'garbage_answer',
    'the endpoint answered 407: a proxy requires a user and password: write them in proxy_address',
  ],
])('a daemon logs what answered %i, and from which address', async (status, headers, reason, error) => {
  const between = await gateway((response) => response.writeHead(status, headers).end(PAGE))
  const daemon = await startDaemon(cloudwatchConfig(between.url))
  await postRecords(daemon, { body: 'a' })
  await daemon.says((log) => log.some((line) => line['reason'] === reason))
  const line = daemon.log.find((said) => said['reason'] === reason)
  expect(line).toMatchObject({ error })
  expect(daemon.stderr).not.toMatch(/c4n4ry|SyntaxError/)
})

test.each<[name: string, value: () => string]>([
  ['x-amz-retry-after', () => '1500'],
  ['retry-after', () => new Date(Date.now() + 2_500).toUTCString()],
  ['retry-after', () => '1.5'],
])('%s is waited out, by puts', async (name, value) => {
  const asked: number[] = []
  const front = await gateway((response, calls) => {
    asked.push(performance.now())
    const throttled = { __type: 'ThrottlingException', message: 'Rate exceeded' }
    if (calls === 1)
      response
        .writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r', [name]: value() })
        .end(JSON.stringify(throttled))
    else response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r' }).end('{}')
  })
  const { send } = await library({ endpoint: front.url })
  expect((await send({ body: 'a' })).code).toBe(0)
  // Without it the wait is at most 200 ms.
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThan(1_000)
})

test('x-amz-retry-after is waited out, by creations', async () => {
  const created: number[] = []
  let isThere = false
  const answerTo = (response: ServerResponse, target: string) => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r' }
    const error = (code: string, more: object = {}) =>
      response.writeHead(400, { ...headers, ...more }).end(JSON.stringify({ __type: code, message: 'm' }))
    if (target.endsWith('PutLogEvents') && !isThere) return error('ResourceNotFoundException')
    if (target.endsWith('CreateLogStream')) {
      created.push(performance.now())
      if (created.length === 1) return error('ThrottlingException', { 'x-amz-retry-after': '1500' })
      isThere = true
    }
    return response.writeHead(200, headers).end('{}')
  }
  const front = await gateway((response) => answerTo(response, String(response.req.headers['x-amz-target'])))
  const { send } = await library({ endpoint: front.url })
  expect((await send({ body: 'a' })).code).toBe(0)
  expect((created[1] ?? 0) - (created[0] ?? 0)).toBeGreaterThan(1_000)
})
