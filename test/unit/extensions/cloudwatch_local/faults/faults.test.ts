import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false })
  for (const logGroupName of ['g', 'h']) {
    await call('CreateLogGroup', { logGroupName })
    await call('CreateLogStream', { logGroupName, logStreamName: 's' })
  }
})
afterEach(() => local.close())

const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)
const put = (message = 'm', more: object = {}) =>
  call('PutLogEvents', {
    logGroupName: 'g',
    logStreamName: 's',
    logEvents: [{ timestamp: Date.now(), message }],
    ...more,
  })
const stored = () => local.events('g', 's').map(({ message }) => message)

test('throttling applies to the next calls it was asked for, and then no more', async () => {
  const fault = local.faults.throttle({ times: 2 })
  const answers = [refusalOf(await put()), refusalOf(await put()), refusalOf(await put())]
  expect(answers).toEqual(['ThrottlingException: Rate exceeded', 'ThrottlingException: Rate exceeded', 'ok'])
  expect(fault.hits).toBe(2)
  expect(stored()).toHaveLength(1)
})

test('a fault without a number stays until it is switched off', async () => {
  const fault = local.faults.throttle()
  expect(refusalOf(await put())).toContain('Throttling')
  fault.off()
  expect(refusalOf(await put())).toBe('ok')
  local.faults.throttle()
  local.faults.clear()
  expect(refusalOf(await put())).toBe('ok')
})

describe('a fault applies only to its target', () => {
  test('one operation', async () => {
    local.faults.throttle({ operation: 'PutLogEvents' })
    expect(refusalOf(await call('DescribeLogGroups', {}))).toBe('ok')
    expect(refusalOf(await put())).toContain('Throttling')
  })

  test('one group, by name or ARN', async () => {
    local.faults.deny({ group: 'g' })
    for (const group of [
      { logGroupName: 'g' },
      { logGroupIdentifier: 'g' },
      { logGroupIdentifier: 'arn:aws:logs:us-east-1:000000000000:log-group:g' },
    ])
      expect(refusalOf(await call('FilterLogEvents', group))).toContain('AccessDeniedException')
    expect(refusalOf(await call('FilterLogEvents', { logGroupIdentifier: 'h' }))).toBe('ok')
  })

  test('one group, which is denied for every operation', async () => {
    local.faults.deny({ group: 'g' })
    const denied = 'AccessDeniedException: User is not authorized to perform this on g'
    expect(refusalOf(await put())).toBe(denied)
    expect(refusalOf(await call('CreateLogStream', { logGroupName: 'g', logStreamName: 't' }))).toBe(denied)
    expect(refusalOf(await put('m', { logGroupName: 'h' }))).toBe('ok')
  })

  test('one stream', async () => {
    await call('CreateLogStream', { logGroupName: 'g', logStreamName: 't' })
    local.faults.deny({ group: 'g', stream: 't' })
    expect(refusalOf(await put())).toBe('ok')
    expect(refusalOf(await put('m', { logStreamName: 't' }))).toContain('AccessDenied')
  })
})

test.each([
  [500, 'InternalFailure'],
  [502, 'InternalFailure'],
  [503, 'ServiceUnavailableException'],
  [504, 'InternalFailure'],
] as const)('a %i is the error of that status', async (status, code) => {
  local.faults.fail(status)
  const answer = await put()
  expect([answer.status, answer.body['__type']]).toEqual([status, code])
  expect(stored()).toEqual([])
})

test('expired credentials and any other error have the service’s message', async () => {
  local.faults.expireCredentials({ times: 1 })
  expect(refusalOf(await put())).toBe('ExpiredTokenException: The security token included in the request is expired')
  local.faults.error('UnrecognizedClientException', 'The security token included in the request is invalid.', 400)
  expect(refusalOf(await put())).toBe(
    'UnrecognizedClientException: The security token included in the request is invalid.',
  )
})

test('a connection cut before leaves nothing stored, one cut after leaves everything', async () => {
  local.faults.cut('before', { times: 1 })
  await expect(put('before')).rejects.toThrow('fetch failed')
  expect(stored()).toEqual([])
  local.faults.cut('after', { times: 1 })
  await expect(put('after')).rejects.toThrow('fetch failed')
  expect(stored()).toEqual(['after'])
  expect(local.calls.count('PutLogEvents', 'cut')).toBe(2)
})

test.each([
  ['html', 'text/html', /^<html>/],
  ['empty', 'application/x-amz-json-1.1', /^$/],
  ['half_json', 'application/x-amz-json-1.1', /^\{"nextSeq$/],
] as const)('garbage of the kind %s is a 200, and nothing is stored', async (what, type, body) => {
  local.faults.garbage(what)
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Logs_20140328.PutLogEvents' }
  const { SIGNED } = await import('../../../../fakes/call-cloudwatch.ts')
  const response = await fetch(local.url, { method: 'POST', headers: { ...headers, ...SIGNED }, body: '{}' })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
  expect(await response.text()).toMatch(body)
  expect(local.calls.count('PutLogEvents', 'garbage')).toBe(1)
})

test('the sequence token can be left out of an answer', async () => {
  local.faults.omitSequenceToken({ times: 1 })
  expect((await put()).body).toEqual({})
  expect((await put()).body).toHaveProperty('nextSequenceToken')
  expect(stored()).toHaveLength(2)
})

test.each([
  ['too_old', { tooOldLogEventEndIndex: 1 }],
  ['too_new', { tooNewLogEventStartIndex: 0 }],
  ['expired', { expiredLogEventEndIndex: 1 }],
] as const)('all events can be rejected as %s', async (as, rejectedLogEventsInfo) => {
  local.faults.rejectAll(as)
  const answer = await put()
  expect([answer.status, answer.body]).toEqual([200, { rejectedLogEventsInfo }])
  expect(stored()).toEqual([])
})

test('sequence tokens can be required: each put must have the token of the previous answer, an empty stream accepts any', async () => {
  local.faults.demandSequenceTokens()
  const first = (await put('a')).body['nextSequenceToken'] as string
  const refused = {
    __type: 'InvalidSequenceTokenException',
    message: `The given sequenceToken is invalid. The next expected sequenceToken is: ${first}`,
    expectedSequenceToken: first,
  }
  expect((await put()).body).toEqual(refused)
  expect((await put('m', { sequenceToken: 'other' })).body).toEqual(refused)
  const second = (await put('b', { sequenceToken: first })).body['nextSequenceToken'] as string
  expect((await put('m', { sequenceToken: first })).body).toMatchObject({ expectedSequenceToken: second })
  expect(refusalOf(await put('c', { sequenceToken: second }))).toBe('ok')
  expect(stored()).toEqual(['a', 'b', 'c'])
})

test('a put can be called accepted already; its events are stored', async () => {
  local.faults.alreadyAccepted({ times: 1 })
  expect(refusalOf(await put())).toContain('DataAlreadyAcceptedException')
  expect(stored()).toEqual(['m'])
})

test('a poisonous message fails its put and no other', async () => {
  const fault = local.faults.poison('BAD')
  expect(refusalOf(await put('so BAD'))).toContain('InvalidParameterException')
  expect(refusalOf(await put('good'))).toBe('ok')
  expect(stored()).toEqual(['good'])
  expect(fault.hits).toBe(1)
})

test('a slow call waits, and is decided after the wait', async () => {
  local.faults.slow(60_000, { times: 1 })
  const pending = put()
  await vi.waitFor(() => expect(local.calls.all.at(-1)?.outcome).toBeUndefined(), 5_000)
  expect(refusalOf(await put('fast'))).toBe('ok')
  expect(stored()).toEqual(['fast'])
  const cut = expect(pending).rejects.toThrow('fetch failed')
  await local.close() // does not wait for the minute
  await cut
  expect(local.calls.count('PutLogEvents', 'cut')).toBe(1)

  await local.up()
  local.faults.slow(1)
  local.faults.throttle()
  expect(refusalOf(await put())).toContain('Throttling')
})

test('the endpoint goes down and comes back on the same port with its data', async () => {
  await put('kept')
  const { url } = local
  await local.down()
  await expect(put()).rejects.toThrow('fetch failed')
  await local.up()
  expect(local.url).toBe(url)
  expect(refusalOf(await put('later'))).toBe('ok')
  expect(stored()).toEqual(['kept', 'later'])
})

test('calls are recorded with their input and their outcome', async () => {
  local.calls.clear()
  await put('é')
  local.faults.throttle({ times: 1 })
  await put('x')
  await call('CreateLogStream', { logGroupName: 'g', logStreamName: 's' })
  const [first, ...rest] = local.calls.all
  expect(first).toMatchObject({
    operation: 'PutLogEvents',
    group: 'g',
    stream: 's',
    events: 1,
    bytes: 28,
    accessKeyId: 'AKIDEXAMPLE',
    region: 'us-east-1',
    headers: { 'x-amz-target': 'Logs_20140328.PutLogEvents' },
    outcome: 'ok',
  })
  expect(first?.wireBytes).toBeGreaterThan(60)
  expect(rest.map(({ operation, outcome }) => [operation, outcome])).toEqual([
    ['PutLogEvents', 'ThrottlingException'],
    ['CreateLogStream', 'ResourceAlreadyExistsException'],
  ])
  expect(local.calls.count('PutLogEvents')).toBe(2)
  expect(local.calls.count('PutLogEvents', 'ok')).toBe(1)
})

test('the oldest recorded calls are forgotten, but still counted', async () => {
  const small = await startCloudWatchLocal({ quotas: false, keepCalls: 2 })
  try {
    for (const logGroupName of ['a', 'b', 'c']) await callCloudWatch(small.url, 'CreateLogGroup', { logGroupName })
    expect(small.calls.all.map(({ group }) => group)).toEqual(['b', 'c'])
    expect(small.calls.count('CreateLogGroup', 'ok')).toBe(3)
  } finally {
    await small.close()
  }
})
