// POST /logs, as a logging service with this interface took them.
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { arrived, LOG, post, run } from './setup.ts'

const QUEUED = { status: 'queued' }

test('one object becomes one event with the bare message, in the group and stream of the request', async () => {
  const { local, daemon } = await run()
  expect(await post(daemon, LOG)).toMatchObject({ status: 202, body: QUEUED })
  await arrived(local, 1)
  expect(local.events('/apps/shop', 'web').map(({ message }) => message)).toEqual(['paid'])
  expect([...local.store.groups.keys()]).toEqual(['/apps/shop'])
  expect(await daemon.stop()).toBe(0)
})

test('a list becomes one event each, and groups and streams are created when they are missing', async () => {
  const { local, daemon } = await run()
  const logs = [
    LOG,
    { ...LOG, log_message: '2' },
    { ...LOG, log_group: '/apps/b', log_message: '3' },
    { ...LOG, log_stream: 's', log_message: '4' },
  ]
  expect(await post(daemon, logs)).toMatchObject({ status: 202, body: QUEUED })
  await arrived(local, 4)
  expect(local.events('/apps/shop', 'web').map(({ message }) => message)).toEqual(['paid', '2'])
  expect(local.events('/apps/b', 'web').map(({ message }) => message)).toEqual(['3'])
  expect(local.events('/apps/shop', 's').map(({ message }) => message)).toEqual(['4'])
})

test.each([
  ['by its content type', 'application/x-ndjson'],
  ['by its form', 'application/json'],
])('NDJSON, %s', async (_, type) => {
  const { local, daemon } = await run()
  const body = `${JSON.stringify(LOG)}\n\n${JSON.stringify({ ...LOG, log_message: 'two' })}\n`
  expect(await post(daemon, body, { 'content-type': type })).toMatchObject({ status: 202, body: QUEUED })
  await arrived(local, 2)
  expect(local.events('/apps/shop', 'web').map(({ message }) => message)).toEqual(['paid', 'two'])
})

test('escapes and text in any language arrive as they were meant', async () => {
  const { local, daemon } = await run()
  const message = 'a "quoted" \\ line\nand täxt 😀 \u0000'
  const ascii = JSON.stringify({ ...LOG, log_message: message, log_stream: 'größe' }).replaceAll(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  await post(daemon, ascii)
  await post(daemon, { ...LOG, log_message: message, log_stream: 'größe' })
  await arrived(local, 2)
  expect(local.events('/apps/shop', 'größe').map((event) => event.message)).toEqual([message, message])
})

test('envelope: true writes the JSON form, with severity and names', async () => {
  const { local, daemon } = await run({ receiver: { envelope: true } })
  await post(daemon, { ...LOG, level: 'warning' })
  await arrived(local, 1)
  expect(JSON.parse(local.events()[0]?.message ?? '')).toMatchObject({
    body: 'paid',
    severity_number: 13,
    severity_text: 'warning',
    resource: { 'aws.log.group.names': ['/apps/shop'], 'aws.log.stream.names': ['web'] },
  })
})

test('status: 200 answers 200, for clients that expect it', async () => {
  const { daemon } = await run({ receiver: { status: 200 } })
  expect(await post(daemon, LOG)).toMatchObject({ status: 200, body: QUEUED })
})

test('a body in gzip is accepted', async () => {
  const { local, daemon } = await run()
  const answer = await post(daemon, gzipSync(JSON.stringify(LOG)), { 'content-encoding': 'gzip' })
  expect(answer).toMatchObject({ status: 202, body: QUEUED })
  await arrived(local, 1)
})

test('a group that allowed_log_groups does not have goes to the overflow group', async () => {
  const { local, daemon } = await run()
  expect(await post(daemon, { ...LOG, log_group: '/secrets' })).toMatchObject({ status: 202 })
  await arrived(local, 1)
  expect([...local.store.groups.keys()]).toEqual(['/default'])
})

test('route_from_attributes: false keeps every log in the group of the exporter', async () => {
  const { local, daemon } = await run({ exporter: { route_from_attributes: false } })
  await post(daemon, LOG)
  await arrived(local, 1)
  expect([...local.store.groups.keys()]).toEqual(['/default'])
})

test('a request with an invalid log is refused as a whole: 422 names field, value or type, rule and remedy', async () => {
  const { level: _, ...withoutLevel } = LOG
  const cases: readonly (readonly [string, unknown, readonly unknown[], string])[] = [
    [
      'an unknown level',
      { ...LOG, level: 'LOUD' },
      ['body', 'level'],
      'level is "LOUD": write one of TRACE, DEBUG, INFO, NOTICE, WARN, WARNING, ERROR, CRITICAL, FATAL',
    ],
    ['a level of a megabyte', { ...LOG, level: 'x'.repeat(1_000_000) }, ['body', 'level'], 'level is "xxxx'],
    ['a number', { ...LOG, log_message: 5 }, ['body', 'log_message'], 'log_message is a number: write a string'],
    ['null', { ...LOG, log_group: null }, ['body', 'log_group'], 'log_group is null: write a string'],
    [
      'a field that is missing',
      withoutLevel,
      ['body', 'level'],
      'level is missing: write it: all of log_group, log_stream, log_message, level are required',
    ],
    [
      'an unknown field',
      { ...LOG, timestamp: 1 },
      ['body'],
      'has the unknown field "timestamp": write only log_group, log_stream, log_message, level',
    ],
    [
      'an empty message',
      { ...LOG, log_message: '' },
      ['body', 'log_message'],
      'log_message is empty, and CloudWatch takes no empty event: write at least one character',
    ],
    [
      'an empty group',
      { ...LOG, log_group: '' },
      ['body', 'log_group'],
      'log_group is empty: write 1 to 512 characters',
    ],
    [
      'a group with a blank',
      { ...LOG, log_group: 'a b' },
      ['body', 'log_group'],
      'log_group is "a b", which has a character that CloudWatch refuses: write letters, digits and . - _ / #',
    ],
    [
      'a group that AWS reserves',
      { ...LOG, log_group: 'AWS/x' },
      ['body', 'log_group'],
      'log_group is "AWS/x", which starts with AWS/, which AWS reserves',
    ],
    [
      'a stream with a colon',
      { ...LOG, log_stream: 'a:b' },
      ['body', 'log_stream'],
      'log_stream is "a:b", which has a ":" or a "*", which CloudWatch refuses',
    ],
    [
      'a stream that is too long',
      { ...LOG, log_stream: 'x'.repeat(513) },
      ['body', 'log_stream'],
      'log_stream has 513 characters: write 1 to 512 characters',
    ],
    [
      'a list with a bad item',
      [LOG, LOG, { ...LOG, level: 'LOUD' }],
      ['body', 2, 'level'],
      '[2].level is "LOUD": write one of',
    ],
    [
      'a list with an item that is no object',
      [LOG, 'text'],
      ['body', 1],
      '[1] is a string: write an object with log_group, log_stream, log_message, level',
    ],
    ['an empty list', [], ['body'], 'the list is empty: write at least one object in it'],
    ['a number alone', 5, ['body'], 'the body is a number: write an object, a list of objects, or one object a line'],
    ['an empty body', '', ['body'], 'the body is empty: write an object, a list of objects, or one object a line'],
    [
      'NDJSON with a bad line',
      `${JSON.stringify(LOG)}\n\n${JSON.stringify({ ...LOG, level: 1 })}`,
      ['body', 1, 'level'],
      'line 3: level is a number: write a string',
    ],
    [
      'a field written twice',
      `{"level":"INFO","level":"INFO"}`,
      ['body', 'level'],
      'level is written twice: write it once',
    ],
  ]
  const { local, daemon } = await run()
  for (const [name, body, loc, message] of cases) {
    const answer = await post(daemon, body)
    expect.soft(answer, name).toMatchObject({ status: 422, body: { code: 3, detail: [{ loc, type: 'value_error' }] } })
    expect.soft((answer.body as { readonly message: string }).message).toContain(message)
  }
  expect(await daemon.stop()).toBe(0)
  expect(local.calls.count('PutLogEvents')).toBe(0)
})

test('what is not JSON, or not for this path, is refused', async () => {
  const { daemon } = await run()
  const cases: readonly (readonly [string, unknown, Readonly<Record<string, string>>, number, string])[] = [
    ['text', 'hello', {}, 400, 'expected a value'],
    ['half an object', '{"level":', {}, 400, 'expected a value'],
    ['two objects in a line', JSON.stringify(LOG).repeat(2), {}, 400, 'expected a new line after the object'],
    [
      'a form',
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'send application/json or application/x-ndjson',
    ],
    ['bytes that are not gzip', 'x', { 'content-encoding': 'gzip' }, 400, 'not valid gzip'],
    ['a key of 256 characters', LOG, { 'idempotency-key': 'k'.repeat(256) }, 422, 'Idempotency-Key'],
  ]
  for (const [name, body, headers, status, message] of cases) {
    const answer = await post(daemon, body, headers)
    expect.soft(answer.status, name).toBe(status)
    expect.soft((answer.body as { readonly message: string }).message).toContain(message)
  }
  const paths: readonly (readonly [string, string, number])[] = [
    ['GET', '/logs', 405],
    ['POST', '/openapi.json', 405],
    ['POST', '/v1/logs', 404],
  ]
  for (const [method, path, status] of paths) {
    const response = await fetch(`http://127.0.0.1:${daemon.httpPort}${path}`, { method })
    expect.soft(response.status, path).toBe(status)
  }
})
