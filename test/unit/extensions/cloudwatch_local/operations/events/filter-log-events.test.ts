import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../../fakes/cloudwatch.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const MESSAGES = {
  api: ['ERROR disk full', 'WARN disk', 'say "hello there" now', 'a-b.c'],
  web: [
    '{"body":"ERROR","severity_number":17,"attributes":{"http.route":"/a","list":["x","y"]}}',
    '{"body":"fine","severity_number":9}',
    'not { json',
  ],
}

let local: CloudWatchLocal
beforeAll(async () => {
  local = await startCloudWatchLocal({ quotas: false, now: () => NOW })
  await call('CreateLogGroup', { logGroupName: 'g' })
  let offset = 0
  for (const [logStreamName, messages] of Object.entries(MESSAGES)) {
    await call('CreateLogStream', { logGroupName: 'g', logStreamName })
    // Interleaved: api at 0, 2, 4, 6 and web at 1, 3, 5.
    const logEvents = messages.map((message, index) => ({ timestamp: NOW + index * 2 + offset, message }))
    await call('PutLogEvents', { logGroupName: 'g', logStreamName, logEvents })
    offset += 1
  }
})
afterAll(() => local.close())

const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)

interface Found {
  readonly logStreamName: string
  readonly timestamp: number
  readonly message: string
  readonly eventId: string
}

async function filter(request: object): Promise<{ found: Found[]; offsets: string; token: unknown }> {
  const { body } = await call('FilterLogEvents', { logGroupName: 'g', ...request })
  const found = body.events as Found[]
  return { found, offsets: found.map(({ timestamp }) => timestamp - NOW).join(' '), token: body.nextToken }
}

test('all streams of a group are read together, in the order of time', async () => {
  const { found, offsets, token } = await filter({})
  expect(offsets).toBe('0 1 2 3 4 5 6')
  expect(token).toBeUndefined()
  expect(found[1]).toEqual({
    logStreamName: 'web',
    timestamp: NOW + 1,
    message: MESSAGES.web[0],
    ingestionTime: NOW,
    eventId: expect.stringMatching(/^\d{56}$/),
  })
  expect(new Set(found.map(({ eventId }) => eventId)).size).toBe(7)
})

describe('events are chosen by stream, prefix and time', () => {
  test.each<[object, string]>([
    [{ logStreamNames: ['web'] }, '1 3 5'],
    [{ logStreamNames: ['web', 'api', 'web'] }, '0 1 2 3 4 5 6'],
    [{ logStreamNamePrefix: 'a' }, '0 2 4 6'],
    [{ logStreamNamePrefix: 'none' }, ''],
    [{ startTime: NOW + 2, endTime: NOW + 4 }, '2 3 4'],
    [{ startTime: NOW + 7 }, ''],
    [{ limit: 2, startFromHead: false }, '5 6'],
    [{ interleaved: false }, '0 1 2 3 4 5 6'],
  ])('%o', async (request, offsets) => {
    expect((await filter(request)).offsets).toBe(offsets)
  })
})

describe('pages hold each event once', () => {
  test.each([
    [true, '0 1 2|3 4 5|6'],
    [false, '4 5 6|1 2 3|0'],
  ])('from the head: %s', async (startFromHead, expected) => {
    const pages: string[] = []
    for (let token: unknown = null; token !== undefined;) {
      const page = await filter({ limit: 3, startFromHead, nextToken: token })
      pages.push(page.offsets)
      token = page.token
    }
    expect(pages.join('|')).toBe(expected)
  })

  test('the last page that is full has no token', async () => {
    const first = await filter({ limit: 4 })
    expect((await filter({ limit: 3, nextToken: first.token })).token).toBeUndefined()
  })
})

describe('a filter pattern selects from all streams, and pages hold the matches', () => {
  test.each([
    ['ERROR', '0|1'],
    ['?disk ?fine', '0|2|3'],
    ['{ $.body = "*" }', '1|3'],
    ['{ $.attributes[\'http.route\'] = "/a" }', '1'],
    ['[level=WARN, ...]', '2'],
    ['nothing', ''],
  ])('%s', async (filterPattern, expected) => {
    const pages: string[] = []
    for (let token: unknown = null; token !== undefined;) {
      const page = await filter({ filterPattern, limit: 1, nextToken: token })
      pages.push(page.offsets)
      token = page.token
    }
    expect(pages.join('|')).toBe(expected)
  })
})

describe('a request that breaks a rule is refused', () => {
  test.each<[object, string]>([
    [
      { logStreamNames: [] },
      "InvalidParameterException: 1 validation error detected: Value '0 members' at 'logStreamNames' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [{ logStreamNames: 'web' }, "SerializationException: 'logStreamNames' must be a list, not string"],
    [{ logStreamNames: [5] }, "SerializationException: 'logStreamNames.1.member' must be a string, not number"],
    [
      { logStreamNames: ['web'], logStreamNamePrefix: 'a' },
      'InvalidParameterException: logStreamNames and logStreamNamePrefix are mutually exclusive parameters.',
    ],
    [
      { limit: 10_001 },
      "InvalidParameterException: 1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
    ],
    [{ nextToken: 'x' }, 'InvalidParameterException: The specified nextToken is invalid.'],
    [
      { filterPattern: 'x'.repeat(1_025) },
      `InvalidParameterException: 1 validation error detected: Value '${'x'.repeat(1_025)}' at 'filterPattern' failed to satisfy constraint: Member must have length less than or equal to 1024`,
    ],
  ])('%o', async (request, expected) => {
    expect(refusalOf(await call('FilterLogEvents', { logGroupName: 'g', ...request }))).toBe(expected)
  })
})
