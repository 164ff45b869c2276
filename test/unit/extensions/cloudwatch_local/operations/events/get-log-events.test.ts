import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../../fakes/cloudwatch.ts'

const NOW = Date.UTC(2026, 10, 21, 12)

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false, now: () => NOW })
  await call('CreateLogGroup', { logGroupName: 'g' })
  await call('CreateLogStream', { logGroupName: 'g', logStreamName: 's' })
})
afterEach(() => local.close())

const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)

/** Puts events named by their offset in ms from `NOW`. */
const put = (...offsets: number[]) =>
  call('PutLogEvents', {
    logGroupName: 'g',
    logStreamName: 's',
    logEvents: offsets.map((offset) => ({ timestamp: NOW + offset, message: String(offset) })),
  })

interface Page {
  readonly messages: string
  readonly forward: string
  readonly backward: string
}

async function get(request: object): Promise<Page> {
  const { body } = await call('GetLogEvents', { logGroupName: 'g', logStreamName: 's', ...request })
  const events = body.events as { message: string }[]
  return {
    messages: events.map(({ message }) => message).join(' '),
    forward: String(body.nextForwardToken),
    backward: String(body.nextBackwardToken),
  }
}

test('an event has its time, its message and its ingestion time, and nothing else', async () => {
  await put(-5)
  const { body } = await call('GetLogEvents', { logGroupName: 'g', logStreamName: 's' })
  expect(body).toEqual({
    events: [{ timestamp: NOW - 5, message: '-5', ingestionTime: NOW }],
    nextForwardToken: expect.stringMatching(/^f\/\d{56}\/s$/),
    nextBackwardToken: expect.stringMatching(/^b\/\d{56}\/s$/),
  })
})

test('puts out of order are read in the order of time, those of the same time in order of arrival', async () => {
  await put(5, 7)
  await put(1, 5, 9)
  await put(5)
  expect((await get({ startFromHead: true })).messages).toBe('1 5 5 5 7 9')
  const ids = local.events('g', 's').map(({ eventId }) => eventId)
  expect(new Set(ids).size).toBe(6)
  expect(ids.slice(1, 4)).toEqual(ids.slice(1, 4).toSorted())
})

test('the latest come first if not asked otherwise, and pages go back from there', async () => {
  await put(1, 2, 3, 4, 5)
  const last = await get({ limit: 2 })
  expect(last.messages).toBe('4 5')
  const before = await get({ limit: 2, nextToken: last.backward })
  expect(before.messages).toBe('2 3')
  const first = await get({ limit: 2, nextToken: before.backward })
  expect(first.messages).toBe('1')
  const end = await get({ limit: 2, nextToken: first.backward })
  expect(end).toEqual({ messages: '', backward: first.backward, forward: expect.any(String) })
})

test('from the head pages go forward, and the token of the end stays the same until something comes', async () => {
  await put(1, 2, 3)
  const first = await get({ limit: 2, startFromHead: true })
  expect(first.messages).toBe('1 2')
  const second = await get({ limit: 2, startFromHead: true, nextToken: first.forward })
  expect(second.messages).toBe('3')
  const end = await get({ limit: 2, startFromHead: true, nextToken: second.forward })
  expect(end).toEqual({ messages: '', forward: second.forward, backward: expect.any(String) })

  await put(4)
  expect((await get({ startFromHead: true, nextToken: end.forward })).messages).toBe('4')
})

test('a stream with no events gives tokens, and the forward one returns later events', async () => {
  const empty = await get({ startFromHead: true })
  expect(empty.messages).toBe('')
  await put(1)
  expect((await get({ nextToken: empty.forward })).messages).toBe('1')
})

test('the time range includes its start and excludes its end', async () => {
  await put(1, 2, 3, 4)
  expect((await get({ startTime: NOW + 2, endTime: NOW + 4 })).messages).toBe('2 3')
  expect((await get({ startTime: NOW + 4 })).messages).toBe('4')
})

test('a page holds at most 1 MiB of events', async () => {
  for (const [index, length] of [600_000, 600_000, 400_000].entries()) {
    const logEvents = [{ timestamp: NOW + index, message: 'x'.repeat(length) }]
    await call('PutLogEvents', { logGroupName: 'g', logStreamName: 's', logEvents })
  }
  const lengths = []
  for (let token: string | undefined; lengths.length < 3;) {
    const page = await get({ startFromHead: true, nextToken: token })
    lengths.push(page.messages.length)
    token = page.forward
  }
  expect(lengths).toEqual([600_000, 1_000_001, 0])
})

test('a page holds at most 10,000 events', async () => {
  for (let batch = 0; batch < 2; batch += 1) await put(...Array.from({ length: 6_000 }, () => batch))
  expect((await get({})).messages.split(' ')).toHaveLength(10_000)
})

test('the group may be named by its ARN', async () => {
  await put(1)
  const { body } = await call('GetLogEvents', {
    logGroupIdentifier: 'arn:aws:logs:us-east-1:000000000000:log-group:g',
    logStreamName: 's',
  })
  expect(body.events).toHaveLength(1)
})

describe('a request that breaks a rule is refused', () => {
  const constraint = (value: unknown, key: string, text: string) =>
    `InvalidParameterException: 1 validation error detected: Value '${String(value)}' at '${key}' failed to satisfy constraint: Member must have ${text}`
  test.each<[object, string]>([
    [{ limit: 0 }, constraint(0, 'limit', 'value greater than or equal to 1')],
    [{ limit: 10_001 }, constraint(10_001, 'limit', 'value less than or equal to 10000')],
    [{ startTime: -1 }, constraint(-1, 'startTime', 'value greater than or equal to 0')],
    [{ nextToken: '' }, constraint('', 'nextToken', 'length greater than or equal to 1')],
    [{ nextToken: 'f/1/s' }, 'InvalidParameterException: The specified nextToken is invalid.'],
    [{ nextToken: `f/${'9'.repeat(56)}/s` }, 'InvalidParameterException: The specified nextToken is invalid.'],
    [{ startFromHead: 'true' }, "SerializationException: 'startFromHead' must be a boolean, not string"],
    [{ limit: 1.5 }, "SerializationException: 'limit' must be a whole number, not number"],
  ])('%o', async (request, expected) => {
    const answer = await call('GetLogEvents', { logGroupName: 'g', logStreamName: 's', ...request })
    expect(refusalOf(answer)).toBe(expected)
  })
})
