import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../../fakes/cloudwatch.ts'

const ACCOUNT = '000000000000'
const GROUPS = [
  { logGroupName: '/app/orders', tags: { team: 'Checkout', env: 'prod' } },
  { logGroupName: '/app/users', logGroupClass: 'INFREQUENT_ACCESS', tags: { team: 'identity' } },
  { logGroupName: '/batch/app', logGroupClass: 'ESSENTIALS' },
  { logGroupName: 'Other', logGroupClass: 'DELIVERY', tags: { env: 'staging' } },
]

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false })
  for (const group of GROUPS) await call('CreateLogGroup', group)
})
afterEach(() => local.close())

const call = (operation: string, request: object) => callCloudWatch(local.url, operation, request)
const arn = (name: string) => `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${name}`
const invalid = (message: string) => `InvalidParameterException: ${message}`

/** What was found, by the last part of the names; or the refusal. */
async function found(operation: string, request: object): Promise<string> {
  const answer = await call(operation, request)
  if (refusalOf(answer) !== 'ok') return refusalOf(answer)
  const groups = answer.body.logGroups as readonly { readonly logGroupName: string }[]
  return groups.map(({ logGroupName }) => logGroupName.split('/').at(-1)).join(' ')
}

test('ListLogGroups gives name, ARN and class of every group, in the order of their names', async () => {
  const classes = ['STANDARD', 'INFREQUENT_ACCESS', 'ESSENTIALS', 'DELIVERY']
  expect((await call('ListLogGroups', {})).body).toEqual({
    logGroups: GROUPS.map(({ logGroupName }, index) => ({
      logGroupName,
      logGroupArn: arn(logGroupName),
      logGroupClass: classes[index],
    })),
  })
})

describe('ListLogGroups applies every filter', () => {
  test.each<[object, string]>([
    [{ logGroupNamePattern: '^/app' }, 'orders users'],
    [{ logGroupNamePattern: 'app' }, 'orders users app'],
    [{ logGroupNamePattern: '^/batch|users|^nothing' }, 'users app'],
    [{ logGroupNamePattern: 'APP' }, ''],
    [{ logGroupClass: 'STANDARD' }, 'orders'],
    [{ logGroupClass: 'INFREQUENT_ACCESS' }, 'users app'],
    [{ logGroupClass: 'ESSENTIALS' }, 'users app'],
    [{ logGroupTags: [{ key: 'env' }] }, 'orders Other'],
    [{ logGroupTags: [{ key: 'env', values: ['prod', 'staging'] }] }, 'orders Other'],
    [{ logGroupTags: [{ key: 'env', values: ['!prod'] }] }, 'Other'],
    [{ logGroupTags: [{ key: 'team', values: ['check*'] }] }, 'orders'],
    [{ logGroupTags: [{ key: 'team', values: ['*EN*'] }] }, 'users'],
    [{ logGroupTags: [{ key: 'team', values: ['checkout'] }] }, ''],
    [{ logGroupTags: [{ key: 'team' }, { key: 'env' }] }, 'orders'],
    [{ logGroupTags: [{ key: 'team', values: ['*'] }], logGroupNamePattern: 'users' }, 'users'],
    [{ includeLinkedAccounts: true }, 'orders users app Other'],
    [{ includeLinkedAccounts: true, accountIdentifiers: [ACCOUNT] }, 'orders users app Other'],
    [{ includeLinkedAccounts: true, accountIdentifiers: ['123456789012'] }, ''],
    [{ includeLinkedAccounts: true, accountIdentifiers: [null] }, 'orders users app Other'],
  ])('%o', async (request, expected) => {
    expect(await found('ListLogGroups', request)).toBe(expected)
  })
})

describe('ListLogGroups refuses input outside its model', () => {
  const one = '1 validation error detected: Value '
  test.each<[object, string]>([
    [
      { logGroupNamePattern: 'a*c' },
      `${one}'a*c' at 'logGroupNamePattern' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24})(\\|\\^?[\\.\\-_\\/#A-Za-z0-9]{3,24}){0,4}`,
    ],
    [
      { limit: 1_001 },
      `${one}'1001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 1000`,
    ],
    [
      { logGroupTags: [] },
      `${one}'[]' at 'logGroupTags' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    ],
    [
      { logGroupTags: [{}] },
      `${one}null at 'logGroupTags.1.member.key' failed to satisfy constraint: Member must not be null`,
    ],
    [
      { accountIdentifiers: ['1'] },
      "2 validation errors detected: Value '1' at 'accountIdentifiers.1.member' failed to satisfy constraint: Member must have length greater than or equal to 12; Value '1' at 'accountIdentifiers.1.member' failed to satisfy constraint: Member must satisfy regular expression pattern: ^\\d{12}$",
    ],
    [
      { accountIdentifiers: [ACCOUNT] },
      'accountIdentifiers can only be specified with includeLinkedAccounts set to true.',
    ],
    [
      { dataSources: [{ name: 'x' }] },
      'dataSources is not supported by cloudwatch_local: use logGroupNamePattern or logGroupTags',
    ],
    [
      { fieldIndexNames: ['x'] },
      'fieldIndexNames is not supported by cloudwatch_local: use logGroupNamePattern or logGroupTags',
    ],
    [{ nextToken: 'made up' }, 'The specified nextToken is invalid.'],
  ])('%o', async (request, expected) => {
    expect(await found('ListLogGroups', request)).toBe(invalid(expected))
  })
})

describe('DescribeLogGroups', () => {
  test.each<[object, string]>([
    [{ logGroupIdentifiers: ['Other', '/app/users'] }, 'users Other'],
    [{ logGroupIdentifiers: [arn('/app/orders'), 'nowhere'] }, 'orders'],
    [{ logGroupIdentifiers: ['Other'], includeLinkedAccounts: true }, 'Other'],
    [{ logGroupClass: 'ESSENTIALS' }, 'users app'],
    [{ includeLinkedAccounts: true }, 'orders users app Other'],
    [
      { logGroupIdentifiers: ['Other'], logGroupNamePrefix: 'O' },
      invalid('The only filter that may be specified with logGroupIdentifiers is includeLinkedAccounts.'),
    ],
    [
      { logGroupIdentifiers: ['Other'], logGroupClass: 'DELIVERY' },
      invalid('The only filter that may be specified with logGroupIdentifiers is includeLinkedAccounts.'),
    ],
    [
      { logGroupIdentifiers: ['arn:aws:s3:::bucket'] },
      invalid("The log group identifier 'arn:aws:s3:::bucket' is not the ARN of a log group."),
    ],
    [
      { logGroupIdentifiers: [`${arn('Other')}:*`] },
      invalid(
        `1 validation error detected: Value '${arn('Other')}:*' at 'logGroupIdentifiers.1.member' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w#+=/:,.@-]*`,
      ),
    ],
    [
      { logGroupIdentifiers: [] },
      invalid(
        "1 validation error detected: Value '0 members' at 'logGroupIdentifiers' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
  ])('%o', async (request, expected) => {
    expect(await found('DescribeLogGroups', request)).toBe(expected)
  })

  test('gives name, ARN and time alone when it is asked by a pattern', async () => {
    const { body } = await call('DescribeLogGroups', { logGroupNamePattern: 'orders' })
    expect(body.logGroups).toEqual([
      { logGroupName: '/app/orders', creationTime: expect.any(Number), arn: `${arn('/app/orders')}:*` },
    ])
  })
})

describe('a group is given by name, or by identifier, which is a name or an ARN', () => {
  const operations: [string, object][] = [
    ['DescribeLogStreams', {}],
    ['GetLogEvents', { logStreamName: 's' }],
    ['FilterLogEvents', {}],
  ]
  test.each(operations)('%s', async (operation, rest) => {
    await call('CreateLogStream', { logGroupName: 'Other', logStreamName: 's' })
    const refusal = async (request: object) => refusalOf(await call(operation, { ...rest, ...request }))
    const exactlyOne = invalid('Exactly one of logGroupName and logGroupIdentifier must be specified.')
    expect(await refusal({ logGroupName: 'Other' })).toBe('ok')
    expect(await refusal({ logGroupIdentifier: 'Other' })).toBe('ok')
    expect(await refusal({ logGroupIdentifier: arn('Other') })).toBe('ok')
    expect(await refusal({ logGroupName: 'Other', logGroupIdentifier: 'Other' })).toBe(exactlyOne)
    expect(await refusal({})).toBe(exactlyOne)
    expect(await refusal({ logGroupName: arn('Other') })).toMatch(/at 'logGroupName' failed to satisfy constraint/)
    expect(await refusal({ logGroupIdentifier: 'arn:aws:logs:us-east-1:1:log-group:Other' })).toBe(
      invalid("The log group identifier 'arn:aws:logs:us-east-1:1:log-group:Other' is not the ARN of a log group."),
    )
    expect(await refusal({ logGroupIdentifier: arn('nowhere') })).toBe(
      'ResourceNotFoundException: The specified log group does not exist.',
    )
  })
})

describe('a page token', () => {
  test('is valid only for the operation that returned it', async () => {
    for (const name of ['a', 'b', 'c']) {
      await call('CreateLogStream', { logGroupName: 'Other', logStreamName: name })
      const logEvents = [{ timestamp: Date.now(), message: 'm' }]
      await call('PutLogEvents', { logGroupName: 'Other', logStreamName: name, logEvents })
    }
    const requests: readonly (readonly [string, object, string])[] = [
      ['ListLogGroups', { limit: 1 }, 'nextToken'],
      ['DescribeLogGroups', { limit: 1 }, 'nextToken'],
      ['DescribeLogStreams', { limit: 1, logGroupName: 'Other' }, 'nextToken'],
      ['DescribeLogStreams', { limit: 1, logGroupName: 'Other', orderBy: 'LastEventTime' }, 'nextToken'],
      ['FilterLogEvents', { limit: 1, logGroupName: 'Other' }, 'nextToken'],
      ['GetLogEvents', { limit: 1, logGroupName: 'Other', logStreamName: 'a' }, 'nextForwardToken'],
    ]
    for (const [operation, request, key] of requests) {
      const token = (await call(operation, request)).body[key]
      expect(token).toEqual(expect.any(String))
      for (const [other, otherRequest] of requests)
        expect([other, refusalOf(await call(other, { ...otherRequest, nextToken: token }))]).toEqual([
          other,
          otherRequest === request ? 'ok' : invalid('The specified nextToken is invalid.'),
        ])
    }
  })

  test('continues after a stream that has been deleted since', async () => {
    for (const name of ['a', 'b', 'c', 'd'])
      await call('CreateLogStream', { logGroupName: 'Other', logStreamName: name })
    for (const rest of [{}, { descending: true }, { orderBy: 'LastEventTime' }]) {
      const request = { logGroupName: 'Other', limit: 2, ...rest }
      const first = (await call('DescribeLogStreams', request)).body
      const shown = first.logStreams as readonly { readonly logStreamName: string }[]
      const logStreamName = shown[1]?.logStreamName
      await call('DeleteLogStream', { logGroupName: 'Other', logStreamName })
      const second = (await call('DescribeLogStreams', { ...request, nextToken: first.nextToken })).body
      const left = second.logStreams as readonly { readonly logStreamName: string }[]
      expect([...shown, ...left].map((stream) => stream.logStreamName).toSorted()).toEqual(['a', 'b', 'c', 'd'])
      await call('CreateLogStream', { logGroupName: 'Other', logStreamName })
    }
  })
})

describe('members without effect are still validated', () => {
  test.each<[string, object, string]>([
    ['FilterLogEvents', { unmask: true, interleaved: false }, 'ok'],
    ['FilterLogEvents', { unmask: 'yes' }, "SerializationException: 'unmask' must be a boolean, not string"],
    ['FilterLogEvents', { interleaved: 1 }, "SerializationException: 'interleaved' must be a boolean, not number"],
    [
      'GetLogEvents',
      { logStreamName: 's', unmask: 1 },
      "SerializationException: 'unmask' must be a boolean, not number",
    ],
    [
      'FilterLogEvents',
      { startFromHead: false, startTime: Date.UTC(2023, 11, 31) },
      invalid('startFromHead can only be false with a startTime on or after Jan 1, 2024 00:00:00 UTC.'),
    ],
    ['FilterLogEvents', { startFromHead: false, startTime: Date.UTC(2024, 0, 1) }, 'ok'],
    [
      'DescribeLogGroups',
      { includeLinkedAccounts: 'yes' },
      "SerializationException: 'includeLinkedAccounts' must be a boolean, not string",
    ],
  ])('%s %o', async (operation, request, expected) => {
    const group = operation === 'DescribeLogGroups' ? {} : { logGroupName: 'Other' }
    expect(refusalOf(await call(operation, { ...group, ...request }))).toBe(expected)
  })
})
