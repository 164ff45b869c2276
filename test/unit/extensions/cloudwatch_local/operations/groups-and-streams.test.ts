import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

let local: CloudWatchLocal
let now: number
beforeEach(async () => {
  now = 1_000_000_000_000
  local = await startCloudWatchLocal({ quotas: false, now: () => now })
})
afterEach(() => local.close())

const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)
const refusal = async (operation: string, request: object) => refusalOf(await call(operation, request))
const arn = (group: string) => `arn:aws:logs:us-east-1:000000000000:log-group:${group}`
const one = "InvalidParameterException: 1 validation error detected: Value '"
const long = 'x'.repeat(513)

describe('a request that breaks the model is refused', () => {
  const group = 'failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+'
  const stream = 'failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*'
  const tagKey =
    'failed to satisfy constraint: Member must satisfy regular expression pattern: ^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$'
  test.each<[string, object, string]>([
    [
      'CreateLogGroup',
      {},
      "InvalidParameterException: 1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: Member must not be null",
    ],
    [
      'CreateLogGroup',
      { logGroupName: long },
      `${one}${long}' at 'logGroupName' failed to satisfy constraint: Member must have length less than or equal to 512`,
    ],
    ['CreateLogGroup', { logGroupName: 'a b' }, `${one}a b' at 'logGroupName' ${group}`],
    [
      'CreateLogGroup',
      { logGroupName: 'aws/x' },
      'InvalidParameterException: Log groups starting with AWS/ are reserved for AWS.',
    ],
    ['CreateLogGroup', { logGroupName: 5 }, "SerializationException: 'logGroupName' must be a string, not number"],
    [
      'CreateLogGroup',
      { logGroupName: 'g', logGroupClass: 'CHEAP' },
      `${one}CHEAP' at 'logGroupClass' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY, ESSENTIALS]`,
    ],
    [
      'CreateLogGroup',
      { logGroupName: 'g', kmsKeyId: long },
      `${one}${long}' at 'kmsKeyId' failed to satisfy constraint: Member must have length less than or equal to 256`,
    ],
    [
      'CreateLogGroup',
      { logGroupName: 'g', deletionProtectionEnabled: 'yes' },
      "SerializationException: 'deletionProtectionEnabled' must be a boolean, not string",
    ],
    [
      'CreateLogGroup',
      { logGroupName: 'g', tags: {} },
      `${one}0 entries' at 'tags' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    ],
    ['CreateLogGroup', { logGroupName: 'g', tags: { 'a*': 'b' } }, `${one}a*' at 'tags.key' ${tagKey}`],
    [
      'CreateLogGroup',
      { logGroupName: 'g', tags: { a: 'x'.repeat(257) } },
      `${one}${'x'.repeat(257)}' at 'tags.a.member' failed to satisfy constraint: Member must have length less than or equal to 256`,
    ],
    [
      'CreateLogGroup',
      { logGroupName: 'g', tags: { 'aws:a': 'b' } },
      'InvalidParameterException: aws: prefixed tag key names are not allowed for external use.',
    ],
    [
      'CreateLogStream',
      { logGroupName: 'g', logStreamName: '' },
      `${one}' at 'logStreamName' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    ],
    ['CreateLogStream', { logGroupName: 'g', logStreamName: 'a:b' }, `${one}a:b' at 'logStreamName' ${stream}`],
    ['CreateLogStream', { logGroupName: 'g', logStreamName: 'a*b' }, `${one}a*b' at 'logStreamName' ${stream}`],
    [
      'PutRetentionPolicy',
      { logGroupName: 'g' },
      "InvalidParameterException: 1 validation error detected: Value null at 'retentionInDays' failed to satisfy constraint: Member must not be null",
    ],
    [
      'PutRetentionPolicy',
      { logGroupName: 'g', retentionInDays: 2 },
      `${one}2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]`,
    ],
    [
      'DescribeLogGroups',
      { limit: 51 },
      `${one}51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50`,
    ],
    [
      'DescribeLogGroups',
      { limit: 0 },
      `${one}0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    ],
    [
      'DescribeLogGroups',
      { logGroupNamePrefix: 'a', logGroupNamePattern: 'b' },
      'InvalidParameterException: LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.',
    ],
    ['DescribeLogGroups', { nextToken: 'made up' }, 'InvalidParameterException: The specified nextToken is invalid.'],
    [
      'DescribeLogStreams',
      {},
      'InvalidParameterException: Exactly one of logGroupName and logGroupIdentifier must be specified.',
    ],
    [
      'DescribeLogStreams',
      { logGroupName: 'g', logGroupIdentifier: 'g' },
      'InvalidParameterException: Exactly one of logGroupName and logGroupIdentifier must be specified.',
    ],
    [
      'TagResource',
      { resourceArn: `${arn('g')}:*`, tags: { a: 'b' } },
      `${one}${arn('g')}:*' at 'resourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=/:,.@-]*`,
    ],
    [
      'TagResource',
      { resourceArn: 'g', tags: { a: 'b' } },
      "InvalidParameterException: The resource ARN 'g' is not the ARN of a log group.",
    ],
    [
      'TagResource',
      { resourceArn: arn('g') },
      "InvalidParameterException: 1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null",
    ],
    [
      'UntagResource',
      { resourceArn: arn('g') },
      "InvalidParameterException: 1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
    ],
    ['UntagResource', { resourceArn: arn('g'), tagKeys: ['*'] }, `${one}*' at 'tagKeys.1.member' ${tagKey}`],
  ])('%s %o', async (operation, request, expected) => {
    await call('CreateLogGroup', { logGroupName: 'g-to-come' })
    expect(await refusal(operation, request)).toBe(expected)
    expect([...local.store.groups.keys()]).toEqual(['g-to-come'])
  })
})

test.each([
  ['CreateLogStream', { logStreamName: 's' }],
  ['DeleteLogGroup', {}],
  ['DeleteLogStream', { logStreamName: 's' }],
  ['PutRetentionPolicy', { retentionInDays: 1 }],
  ['DeleteRetentionPolicy', {}],
  ['AssociateKmsKey', { kmsKeyId: 'arn:aws:kms:us-east-1:123456789012:key/1' }],
  ['DescribeLogStreams', {}],
  ['GetLogEvents', { logStreamName: 's' }],
  ['FilterLogEvents', {}],
])('%s fails when there is no such group', async (operation, request) => {
  expect(await refusal(operation, { logGroupName: 'nowhere', ...request })).toBe(
    'ResourceNotFoundException: The specified log group does not exist.',
  )
})

test.each([
  ['DeleteLogStream', {}],
  ['GetLogEvents', {}],
  ['FilterLogEvents', { logStreamNames: ['nowhere'] }],
])('%s fails when there is no such stream', async (operation, request) => {
  await call('CreateLogGroup', { logGroupName: 'g' })
  expect(await refusal(operation, { logGroupName: 'g', logStreamName: 'nowhere', ...request })).toBe(
    'ResourceNotFoundException: The specified log stream does not exist.',
  )
})

test('a group and a stream are created once', async () => {
  const group = { logGroupName: '/a.b-c_d#e/F9' }
  const stream = { ...group, logStreamName: 'ä [$LATEST] / ?' }
  expect(await refusal('CreateLogGroup', group)).toBe('ok')
  expect(await refusal('CreateLogGroup', group)).toBe(
    'ResourceAlreadyExistsException: The specified log group already exists',
  )
  expect(await refusal('CreateLogStream', stream)).toBe('ok')
  expect(await refusal('CreateLogStream', stream)).toBe(
    'ResourceAlreadyExistsException: The specified log stream already exists',
  )
})

test('a group is described with what it was created with', async () => {
  await call('CreateLogGroup', {
    logGroupName: 'g',
    logGroupClass: 'INFREQUENT_ACCESS',
    kmsKeyId: 'arn:aws:kms:x',
    deletionProtectionEnabled: true,
    tags: { 'team:a': '' },
  })
  await call('PutRetentionPolicy', { logGroupName: 'g', retentionInDays: 1096 })
  const described = {
    logGroupName: 'g',
    creationTime: now,
    retentionInDays: 1096,
    metricFilterCount: 0,
    arn: `${arn('g')}:*`,
    logGroupArn: arn('g'),
    storedBytes: 0,
    kmsKeyId: 'arn:aws:kms:x',
    logGroupClass: 'INFREQUENT_ACCESS',
    deletionProtectionEnabled: true,
  }
  expect((await call('DescribeLogGroups', {})).body).toEqual({ logGroups: [described] })
  await call('DeleteRetentionPolicy', { logGroupName: 'g' })
  const { retentionInDays: _, ...without } = described
  expect((await call('DescribeLogGroups', {})).body).toEqual({ logGroups: [without] })
})

test('the key and the deletion protection of a group can be changed', async () => {
  const kmsKeyId = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab'
  await call('CreateLogGroup', { logGroupName: 'g' })
  expect(await refusal('AssociateKmsKey', { logGroupName: 'g', kmsKeyId })).toBe('ok')
  const protect = { logGroupIdentifier: arn('g'), deletionProtectionEnabled: true }
  expect(await refusal('PutLogGroupDeletionProtection', protect)).toBe('ok')
  expect((await call('DescribeLogGroups', {})).body.logGroups).toMatchObject([
    { kmsKeyId, deletionProtectionEnabled: true },
  ])
  expect(await refusal('DeleteLogGroup', { logGroupName: 'g' })).toContain('ValidationException')
  expect(await refusal('AssociateKmsKey', { logGroupName: 'g', kmsKeyId: 'alias/logs' })).toBe(
    "InvalidParameterException: kmsKeyId 'alias/logs' is not the ARN of a KMS key.",
  )
  expect(await refusal('PutLogGroupDeletionProtection', { logGroupIdentifier: 'g' })).toBe(
    'InvalidParameterException: deletionProtectionEnabled is required.',
  )
  expect(
    await refusal('PutLogGroupDeletionProtection', { logGroupIdentifier: 'none', deletionProtectionEnabled: true }),
  ).toContain('ResourceNotFoundException')
})

test('groups are listed in ASCII order, by prefix or part of the name or class, page by page', async () => {
  for (const name of ['b', 'B', 'a/1', 'a/2', 'a_0']) await call('CreateLogGroup', { logGroupName: name })
  await call('CreateLogGroup', { logGroupName: 'c', logGroupClass: 'DELIVERY' })
  const names = async (request: object) => {
    const { body } = await call('DescribeLogGroups', request)
    return (body.logGroups as { logGroupName: string }[]).map(({ logGroupName }) => logGroupName)
  }
  expect(await names({})).toEqual(['B', 'a/1', 'a/2', 'a_0', 'b', 'c'])
  expect(await names({ logGroupNamePrefix: 'a/' })).toEqual(['a/1', 'a/2'])
  expect(await names({ logGroupNamePattern: '/2' })).toEqual(['a/2'])
  expect(await names({ logGroupClass: 'DELIVERY' })).toEqual(['c'])

  const pages: number[] = []
  const paged: string[] = []
  for (let request: object | undefined = { limit: 4 }; request !== undefined;) {
    const { body } = await call('DescribeLogGroups', request)
    const found = (body.logGroups as { logGroupName: string }[]).map(({ logGroupName }) => logGroupName)
    pages.push(found.length)
    paged.push(...found)
    request = body.nextToken === undefined ? undefined : { limit: 4, nextToken: body.nextToken }
  }
  expect(pages).toEqual([4, 2])
  expect((await call('DescribeLogGroups', { limit: 6 })).body).not.toHaveProperty('nextToken')
  expect(paged).toEqual(['B', 'a/1', 'a/2', 'a_0', 'b', 'c'])
})

test('streams are listed by name or by their last event, either way round, page by page', async () => {
  await call('CreateLogGroup', { logGroupName: 'g' })
  const times = { a: now - 5_000, b: now, c: now - 9_000 }
  for (const [logStreamName, timestamp] of Object.entries(times)) {
    await call('CreateLogStream', { logGroupName: 'g', logStreamName })
    const logEvents = [{ timestamp, message: 'm' }]
    await call('PutLogEvents', { logGroupName: 'g', logStreamName, logEvents })
  }
  await call('CreateLogStream', { logGroupName: 'g', logStreamName: 'empty' })
  const list = async (request: object) => {
    const { body } = await call('DescribeLogStreams', { logGroupName: 'g', ...request })
    return { names: (body.logStreams as { logStreamName: string }[]).map((each) => each.logStreamName), body }
  }
  expect((await list({})).names).toEqual(['a', 'b', 'c', 'empty'])
  expect((await list({ descending: true })).names).toEqual(['empty', 'c', 'b', 'a'])
  expect((await list({ orderBy: 'LastEventTime', descending: true })).names).toEqual(['b', 'a', 'c', 'empty'])
  expect((await list({ logStreamNamePrefix: 'e' })).names).toEqual(['empty'])
  expect(
    await refusal('DescribeLogStreams', { logGroupName: 'g', orderBy: 'LastEventTime', logStreamNamePrefix: 'e' }),
  ).toBe('InvalidParameterException: Cannot order by LastEventTime with a logStreamNamePrefix.')

  const first = await list({ limit: 3 })
  const second = await list({ limit: 3, nextToken: first.body.nextToken })
  expect([...first.names, '|', ...second.names]).toEqual(['a', 'b', 'c', '|', 'empty'])
  expect(second.body).not.toHaveProperty('nextToken')

  expect((first.body.logStreams as object[])[1]).toEqual({
    logStreamName: 'b',
    creationTime: now,
    firstEventTimestamp: times.b,
    lastEventTimestamp: times.b,
    lastIngestionTime: now,
    uploadSequenceToken: expect.stringMatching(/^\d{56}$/),
    arn: `${arn('g')}:log-stream:b`,
    storedBytes: 0,
  })
  expect(Object.keys((second.body.logStreams as object[])[0] ?? {})).not.toContain('lastEventTimestamp')
  expect((await list({ logGroupName: undefined, logGroupIdentifier: arn('g') })).names).toHaveLength(4)
})

test('a deleted group or stream is gone with its events, and can be created again', async () => {
  const fill = async () => {
    await call('CreateLogGroup', { logGroupName: 'g' })
    for (const logStreamName of ['a', 'b']) {
      await call('CreateLogStream', { logGroupName: 'g', logStreamName })
      await call('PutLogEvents', { logGroupName: 'g', logStreamName, logEvents: [{ timestamp: now, message: 'm' }] })
    }
  }
  await fill()
  await call('DeleteLogStream', { logGroupName: 'g', logStreamName: 'a' })
  expect(local.events().map(({ stream }) => stream)).toEqual(['b'])
  expect(local.store.groups.get('g')?.storedBytes).toBe(27)
  await call('DeleteLogGroup', { logGroupName: 'g' })
  expect(local.events()).toEqual([])
  expect(local.store.bytes).toBe(0)
  await fill()
  expect(local.events()).toHaveLength(2)
})

test('a group with deletion protection is not deleted, nor are its streams', async () => {
  await call('CreateLogGroup', { logGroupName: 'g', deletionProtectionEnabled: true })
  await call('CreateLogStream', { logGroupName: 'g', logStreamName: 's' })
  const refused = "ValidationException: The log group 'g' has deletion protection enabled."
  expect(await refusal('DeleteLogGroup', { logGroupName: 'g' })).toBe(refused)
  expect(await refusal('DeleteLogStream', { logGroupName: 'g', logStreamName: 's' })).toBe(refused)
})

test('tags are added, replaced, listed and removed, and there are at most 50', async () => {
  await call('CreateLogGroup', { logGroupName: 'g', tags: { a: '1', b: '2' } })
  const resource = { resourceArn: arn('g') }
  await call('TagResource', { ...resource, tags: { b: '3', 'c d': 'ä' } })
  expect((await call('ListTagsForResource', resource)).body).toEqual({ tags: { a: '1', b: '3', 'c d': 'ä' } })
  await call('UntagResource', { ...resource, tagKeys: ['a', 'never there'] })
  expect((await call('ListTagsForResource', resource)).body).toEqual({ tags: { b: '3', 'c d': 'ä' } })

  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, '']))
  expect(await refusal('TagResource', { ...resource, tags: many(49) })).toBe(
    'TooManyTagsException: A log group can have at most 50 tags.',
  )
  expect(await refusal('TagResource', { ...resource, tags: many(48) })).toBe('ok')
  expect(await refusal('CreateLogGroup', { logGroupName: 'h', tags: many(51) })).toContain('51 entries')
})

test('the tags of a group that does not exist are not found', async () => {
  for (const [operation, more] of [
    ['ListTagsForResource', {}],
    ['TagResource', { tags: { a: 'b' } }],
    ['UntagResource', { tagKeys: [] }],
  ] as const)
    expect(await refusal(operation, { resourceArn: arn('nowhere'), ...more })).toBe(
      'ResourceNotFoundException: The specified log group does not exist.',
    )
})
