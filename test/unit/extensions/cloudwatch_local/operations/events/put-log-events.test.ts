import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../../fakes/cloudwatch.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 10, 21, 12)

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false, now: () => NOW })
  await call('CreateLogGroup', { logGroupName: 'g' })
  await call('CreateLogStream', { logGroupName: 'g', logStreamName: 's' })
})
afterEach(() => local.close())

const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)
const put = (logEvents: unknown, more: object = {}) =>
  call('PutLogEvents', { logGroupName: 'g', logStreamName: 's', logEvents, ...more })
const at = (timestamp: number, message = 'm') => ({ timestamp, message })
const stored = () => local.events('g', 's').map(({ message }) => message)

describe('a put that breaks a rule of the whole batch stores nothing', () => {
  const over = 1_048_576 - 26 + 1
  test.each<[string, unknown, string]>([
    [
      'no list',
      undefined,
      "InvalidParameterException: 1 validation error detected: Value null at 'logEvents' failed to satisfy constraint: Member must not be null",
    ],
    [
      'no events',
      [],
      "InvalidParameterException: 1 validation error detected: Value '[]' at 'logEvents' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      '10,001 events',
      Array.from({ length: 10_001 }, () => at(NOW)),
      "InvalidParameterException: 1 validation error detected: Value '10001 events' at 'logEvents' failed to satisfy constraint: Member must have length less than or equal to 10000",
    ],
    [
      'an empty message',
      [at(NOW), at(NOW, '')],
      "InvalidParameterException: 1 validation error detected: Value '' at 'logEvents.2.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'no message',
      [{ timestamp: NOW }],
      "InvalidParameterException: 1 validation error detected: Value null at 'logEvents.1.member.message' failed to satisfy constraint: Member must not be null",
    ],
    [
      'no timestamp',
      [{ message: 'm' }],
      "InvalidParameterException: 1 validation error detected: Value null at 'logEvents.1.member.timestamp' failed to satisfy constraint: Member must not be null",
    ],
    [
      'a negative timestamp',
      [at(-1)],
      "InvalidParameterException: 1 validation error detected: Value '-1' at 'logEvents.1.member.timestamp' failed to satisfy constraint: Member must have value greater than or equal to 0",
    ],
    [
      'two broken constraints',
      [at(-1, '')],
      "InvalidParameterException: 2 validation errors detected: Value '' at 'logEvents.1.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '-1' at 'logEvents.1.member.timestamp' failed to satisfy constraint: Member must have value greater than or equal to 0",
    ],
    [
      'a message that is a number',
      [{ timestamp: NOW, message: 5 }],
      "SerializationException: 'logEvents.1.member.message' must be a string, not number",
    ],
    [
      'a timestamp that is a string',
      [{ timestamp: '5', message: 'm' }],
      "SerializationException: 'logEvents.1.member.timestamp' must be a whole number of milliseconds, not string",
    ],
    [
      'a timestamp with a fraction',
      [at(NOW + 0.5)],
      "SerializationException: 'logEvents.1.member.timestamp' must be a whole number of milliseconds, not number",
    ],
    [
      'an event that is a string',
      ['m'],
      "SerializationException: 'logEvents.1.member' must be a structure, not string",
    ],
    [
      'an event over 1 MiB with its 26 bytes',
      [at(NOW, 'x'.repeat(over))],
      'InvalidParameterException: Log event too large: 1048577 bytes exceeds limit of 1048576',
    ],
    [
      'a batch over 1 MiB with 26 bytes an event',
      [at(NOW, 'x'.repeat(1_048_523)), at(NOW, 'xx')],
      'InvalidParameterException: Upload too large: 1048577 bytes exceeds limit of 1048576',
    ],
    [
      'bytes, not characters, over 1 MiB',
      [at(NOW, 'é'.repeat(524_276))],
      'InvalidParameterException: Log event too large: 1048578 bytes exceeds limit of 1048576',
    ],
    [
      'an event before the one in front of it',
      [at(NOW), at(NOW - 1)],
      'InvalidParameterException: Log events in a single PutLogEvents request must be in chronological order.',
    ],
    [
      'valid events over 24 hours apart',
      [at(NOW - DAY - 1), at(NOW)],
      'InvalidParameterException: The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    ],
  ])('%s', async (_, events, refusal) => {
    expect(refusalOf(await put(events))).toBe(refusal)
    expect(stored()).toEqual([])
  })
})

describe('a put at the edge of a rule is taken', () => {
  test.each<[string, { timestamp: number; message: string }[]]>([
    ['10,000 events', Array.from({ length: 10_000 }, () => at(NOW))],
    ['an event of 1 MiB with its 26 bytes', [at(NOW, 'x'.repeat(1_048_550))]],
    ['a batch of 1 MiB with 26 bytes an event', [at(NOW, 'x'.repeat(1_048_523)), at(NOW, 'x')]],
    ['events exactly 24 hours apart', [at(NOW - DAY), at(NOW)]],
    ['an event exactly 14 days old', [at(NOW - 14 * DAY)]],
    ['an event exactly 2 hours ahead', [at(NOW + 2 * HOUR)]],
    ['control characters, quotes and other planes', [at(NOW, '\u0000\u001f"\\\u2028😀')]],
  ])('%s', async (_, events) => {
    const answer = await put(events)
    expect(refusalOf(answer)).toBe('ok')
    expect(answer.body).not.toHaveProperty('rejectedLogEventsInfo')
    expect(stored()).toEqual(events.map(({ message }) => message))
  })
})

describe('events outside the windows are rejected one by one', () => {
  const old = NOW - 14 * DAY - 1
  const ahead = NOW + 2 * HOUR + 1
  test.each<[string, number | undefined, number[], object, number]>([
    ['too old', undefined, [old, old, NOW], { tooOldLogEventEndIndex: 2 }, 1],
    ['too new', undefined, [NOW, NOW, ahead, ahead], { tooNewLogEventStartIndex: 2 }, 2],
    ['both', undefined, [old, NOW, ahead], { tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 2 }, 1],
    [
      'older than the retention',
      3,
      [NOW - 3 * DAY - 1, NOW - 3 * DAY, NOW - 3 * DAY],
      { expiredLogEventEndIndex: 1 },
      2,
    ],
    [
      'too old and older than the retention',
      1,
      [old, NOW - DAY - 1, NOW - DAY],
      { tooOldLogEventEndIndex: 1, expiredLogEventEndIndex: 2 },
      1,
    ],
    ['too old only, whatever the retention says of it', 1, [old, NOW], { tooOldLogEventEndIndex: 1 }, 1],
    ['too old where the retention is longer', 30, [old, NOW], { tooOldLogEventEndIndex: 1 }, 1],
  ])('%s', async (_, retentionInDays, times, rejectedLogEventsInfo, taken) => {
    if (retentionInDays !== undefined) await call('PutRetentionPolicy', { logGroupName: 'g', retentionInDays })
    const answer = await put(times.map((time, index) => at(time, String(index))))
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ rejectedLogEventsInfo, nextSequenceToken: expect.stringMatching(/^\d{56}$/) })
    expect(stored()).toHaveLength(taken)
    expect(local.store.bytes).toBe(taken * 27)
  })

  test('an event outside the windows does not count for the 24 hours', async () => {
    expect(refusalOf(await put([at(old), at(NOW - DAY), at(NOW), at(ahead)]))).toBe('ok')
    expect(stored()).toHaveLength(2)
  })

  test('with nothing left to take, the answer is 200 and has no sequence token', async () => {
    const answer = await put([at(old), at(ahead)])
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 1 } })
    expect(stored()).toEqual([])
  })
})

test('a missing group or stream has the service’s error message', async () => {
  expect(refusalOf(await put([at(NOW)], { logGroupName: 'other' }))).toBe(
    'ResourceNotFoundException: The specified log group does not exist.',
  )
  expect(refusalOf(await put([at(NOW)], { logStreamName: 'other' }))).toBe(
    'ResourceNotFoundException: The specified log stream does not exist.',
  )
})

test('sequence tokens are ignored, and the same batch is stored as often as it is put', async () => {
  const tokens = [await put([at(NOW)]), await put([at(NOW)], { sequenceToken: 'anything' })].map(
    ({ body }) => body.nextSequenceToken,
  )
  expect(tokens[0]).not.toBe(tokens[1])
  expect(stored()).toEqual(['m', 'm'])
})

describe('an entity', () => {
  const service = { Type: 'Service', Name: 'shop' }
  test.each<[string, unknown, string]>([
    [
      'with one key attribute fails the put',
      { keyAttributes: { Type: 'Service' } },
      "InvalidParameterException: 1 validation error detected: Value '1 entries' at 'entity.keyAttributes' failed to satisfy constraint: Member must have length greater than or equal to 2",
    ],
    [
      'with a value over 512 fails the put',
      { keyAttributes: { ...service, Name: 'x'.repeat(513) } },
      `InvalidParameterException: 1 validation error detected: Value '${'x'.repeat(513)}' at 'entity.keyAttributes.Name.member' failed to satisfy constraint: Member must have length less than or equal to 512`,
    ],
    ['that is a list fails the put', [], "SerializationException: 'entity' must be a structure, not a list"],
  ])('%s', async (_, entity, refusal) => {
    expect(refusalOf(await put([at(NOW)], { entity }))).toBe(refusal)
    expect(stored()).toEqual([])
  })

  test.each<[string, unknown, unknown]>([
    ['that is good is taken', { keyAttributes: service, attributes: { Host: 'a' } }, undefined],
    ['without key attributes is rejected, its events are not', {}, { errorType: 'MissingRequiredFields' }],
    ['without a type', { keyAttributes: { Name: 'a', Environment: 'b' } }, { errorType: 'MissingRequiredFields' }],
    [
      'with a type that does not exist',
      { keyAttributes: { Type: 'Thing', Name: 'a' } },
      { errorType: 'InvalidTypeValue' },
    ],
    [
      'with a key that does not exist',
      { keyAttributes: { ...service, Colour: 'red' } },
      { errorType: 'InvalidKeyAttributes' },
    ],
  ])('%s', async (_, entity, rejectedEntityInfo) => {
    const answer = await put([at(NOW)], { entity })
    expect(answer.body.rejectedEntityInfo).toEqual(rejectedEntityInfo)
    expect(stored()).toEqual(['m'])
  })
})
