// Requests meant to hurt: the daemon answers each, keeps its memory, and goes on for others.
import { gzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import { startDaemon } from '../daemon/daemon.ts'
import { arrived, jsonConfig, LOG, post, run, startCloudWatch } from './setup.ts'

const MIB = 1_048_576

test('the largest and most deeply nested requests get their answer in the heap of a small pod, and health is answered', async () => {
  const local = await startCloudWatch()
  const daemon = await startDaemon(jsonConfig(local.url, { receiver: { max_request_body_size: '16MiB' } }), {
    nodeArgs: ['--max-old-space-size=128'],
  })
  const record = JSON.stringify(LOG)
  const many = (item: string, size: number) => `[${`${item},`.repeat(Math.floor(size / (item.length + 1)))}${item}]`
  const alternating = `${record},${JSON.stringify({ ...LOG, log_stream: 'x' })}`
  const cases: readonly (readonly [
    string,
    string | Uint8Array,
    Readonly<Record<string, string>>,
    readonly number[],
  ])[] = [
    ['nested lists', '['.repeat(10 * MIB), {}, [422]],
    ['nested objects', '{"level":'.repeat(MIB), {}, [422]],
    ['empty objects', many('{}', 15 * MIB), {}, [422]],
    ['lists in lines', '[]\n'.repeat(5 * MIB), { 'content-type': 'application/x-ndjson' }, [422]],
    ['names of a megabyte', `{"${'x'.repeat(10 * MIB)}":1}`, {}, [422]],
    [
      'a level of escapes',
      `{"log_group":"/apps/a","log_stream":"s","log_message":"m","level":"${'\\u0041'.repeat(MIB)}"}`,
      {},
      [422],
    ],
    [
      'a group of escapes',
      `{"log_group":"${'\\u0041'.repeat(MIB)}","log_stream":"s","log_message":"m","level":"INFO"}`,
      {},
      [422],
    ],
    ['a bomb', gzipSync(' '.repeat(100 * MIB)), { 'content-encoding': 'gzip' }, [413]],
    ['blanks', ' '.repeat(15 * MIB), {}, [422]],
    ['new lines', `${record}${'\n'.repeat(15 * MIB)}5`, {}, [422]],
    ['objects without an end', `${record}\n`.repeat(100_000).slice(0, -5), {}, [400]],
    ['too large', many(record, 17 * MIB), {}, [413]],
    ['records with names that alternate', many(alternating, 8 * MIB), {}, [202, 413, 503]],
  ]
  for (const [name, body, headers, statuses] of cases) {
    const [answer, health] = await Promise.all([post(daemon, body, headers), fetch(daemon.healthUrl)])
    expect
      .soft(statuses, `${name}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 200)}`)
      .toContain(answer.status)
    expect.soft(health.status).toBe(200)
  }
  await vi.waitUntil(async () => (await post(daemon, { ...LOG, log_group: '/apps/after' })).status === 202, {
    timeout: 20_000,
    interval: 50,
  })
  await vi.waitUntil(() => local.events('/apps/after', 'web').length > 0, { timeout: 20_000, interval: 50 })
  expect(await daemon.stop()).toBe(0)
})

test('a client that hangs up before its body is complete leaves no key and no memory', async () => {
  const { local, daemon } = await run()
  const controller = new AbortController()
  const body = new ReadableStream({
    start(stream) {
      stream.enqueue(Buffer.from('{"log_group":'))
      setTimeout(() => controller.abort(), 50)
    },
  })
  const sent = fetch(`http://127.0.0.1:${daemon.httpPort}/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
    body,
    signal: controller.signal,
    duplex: 'half',
  })
  await expect(sent).rejects.toThrow()
  expect(await post(daemon, LOG, { 'idempotency-key': 'k' })).toMatchObject({ status: 202 })
  await arrived(local, 1)
})

test('while CloudWatch is down and the queue is full, requests are refused with Retry-After, and none with a key is accepted twice', async () => {
  const { local, daemon } = await run({ exporter: { sending_queue: { queue_size: 20, sizer: 'items' } } })
  const down = local.faults.fail(503)
  const names = Array.from({ length: 60 }, (_, i) => `m${i}`)
  const send = async (name: string) =>
    (await post(daemon, { ...LOG, log_message: name }, { 'idempotency-key': name })).status
  const first = await Promise.all(names.map(send))
  expect(first.filter((status) => status === 202).length).toBeLessThan(60)
  expect(new Set(first)).toEqual(new Set([202, 503]))
  down.off()
  await vi.waitUntil(async () => (await Promise.all(names.map(send))).every((status) => status === 202), {
    timeout: 25_000,
    interval: 100,
  })
  expect(await daemon.stop()).toBe(0)
  expect(
    local
      .events()
      .map(({ message }) => message)
      .toSorted(),
  ).toEqual(names.toSorted())
})
