// What the AWS SDK for JavaScript makes of `cloudwatch_local`: signatures, errors as its own classes, paginators.
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DataAlreadyAcceptedException,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  InvalidParameterException,
  InvalidSequenceTokenException,
  ListLogGroupsCommand,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
  paginateGetLogEvents,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  ServiceUnavailableException,
  StartLiveTailCommand,
  StartQueryCommand,
  TagResourceCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startCloudWatchLocal, type CloudWatchLocal } from '../fakes/cloudwatch.ts'

let local: CloudWatchLocal
let client: CloudWatchLogsClient
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false })
  client = new CloudWatchLogsClient({
    endpoint: local.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' },
    maxAttempts: 1,
    disableHostPrefix: true, // StartLiveTail goes to `stream-` and the host
  })
  await client.send(new CreateLogGroupCommand({ logGroupName: 'g', tags: { team: 'a' } }))
  await client.send(new CreateLogStreamCommand({ logGroupName: 'g', logStreamName: 's' }))
})
afterEach(async () => {
  client.destroy()
  await local.close()
})

const put = (...messages: string[]) =>
  client.send(
    new PutLogEventsCommand({
      logGroupName: 'g',
      logStreamName: 's',
      logEvents: messages.map((message) => ({ timestamp: Date.now(), message })),
    }),
  )

test('events that the SDK puts are read back by its paginators', async () => {
  const answer = await put('one', 'two', 'drei: ü\u2028😀')
  expect(answer.$metadata.requestId).toMatch(/^[\da-f-]{36}$/)
  expect(answer.nextSequenceToken).toMatch(/^\d{56}$/)
  const read = []
  const query = { logGroupName: 'g', logStreamName: 's', startFromHead: true, limit: 2 }
  for await (const page of paginateGetLogEvents({ client, stopOnSameToken: true }, query))
    read.push((page.events ?? []).map(({ message }) => message))
  expect(read).toEqual([['one', 'two'], ['drei: ü\u2028😀'], []])

  const filtered = []
  for await (const page of paginateFilterLogEvents({ client }, { logGroupName: 'g', limit: 2 }))
    filtered.push(...(page.events ?? []))
  expect(filtered.map(({ message }) => message)).toEqual(read.flat())
  expect(local.calls.all.at(-1)).toMatchObject({ accessKeyId: 'AKIDTEST', region: 'eu-central-1' })
})

test('groups are paged, and keep their settings', async () => {
  await client.send(new PutRetentionPolicyCommand({ logGroupName: 'g', retentionInDays: 30 }))
  await client.send(new CreateLogGroupCommand({ logGroupName: 'h' }))
  const groups = []
  for await (const page of paginateDescribeLogGroups({ client }, { limit: 1 })) groups.push(...(page.logGroups ?? []))
  expect(groups.map(({ logGroupName, retentionInDays }) => [logGroupName, retentionInDays])).toEqual([
    ['g', 30],
    ['h', undefined],
  ])
  const resourceArn = groups[0]?.logGroupArn
  await client.send(new TagResourceCommand({ resourceArn, tags: { env: 'test' } }))
  const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn }))
  expect(tags).toEqual({ team: 'a', env: 'test' })
})

test('refusals are errors of the SDK, by class', async () => {
  await expect(client.send(new CreateLogGroupCommand({ logGroupName: 'g' }))).rejects.toThrow(
    ResourceAlreadyExistsException,
  )
  await expect(client.send(new CreateLogStreamCommand({ logGroupName: 'x', logStreamName: 's' }))).rejects.toThrow(
    ResourceNotFoundException,
  )
  await expect(put('')).rejects.toThrow(InvalidParameterException)
})

test('faults are errors of the SDK too, with their members', async () => {
  const { faults } = local
  faults.throttle({ times: 1 })
  await expect(put('m')).rejects.toMatchObject({ name: 'ThrottlingException', message: 'Rate exceeded' })
  faults.fail(503, { times: 1 })
  await expect(put('m')).rejects.toThrow(ServiceUnavailableException)
  faults.fail(500, { times: 1 })
  await expect(put('m')).rejects.toMatchObject({ name: 'InternalFailure', $metadata: { httpStatusCode: 500 } })
  faults.alreadyAccepted({ times: 1 })
  await expect(put('m')).rejects.toThrow(DataAlreadyAcceptedException)
  faults.demandSequenceTokens({ times: 2 })
  await expect(put('m')).rejects.toMatchObject({ expectedSequenceToken: expect.stringMatching(/^\d{56}$/) })
  await expect(put('m')).rejects.toThrow(InvalidSequenceTokenException)
  faults.deny({ group: 'g', times: 1 })
  await expect(put('m')).rejects.toMatchObject({ name: 'AccessDeniedException' })
  faults.expireCredentials({ times: 1 })
  await expect(put('m')).rejects.toMatchObject({ name: 'ExpiredTokenException' })
  faults.rejectAll('too_old', { times: 1 })
  expect(await put('m')).toMatchObject({ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1 } })
  faults.cut('after', { times: 1 })
  await expect(put('m')).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(local.events('g', 's')).toHaveLength(2) // alreadyAccepted and cut after
})

test('groups are listed, and named by their ARNs, as the SDK sends it', async () => {
  await client.send(new CreateLogGroupCommand({ logGroupName: '/app/b' }))
  await put('{"body":"plain text"}', '{"body":"other"}')
  const first = await client.send(new ListLogGroupsCommand({ limit: 1 }))
  const second = await client.send(new ListLogGroupsCommand({ limit: 1, nextToken: first.nextToken }))
  expect([first, second].map(({ logGroups }) => logGroups?.map(({ logGroupName }) => logGroupName))).toEqual([
    ['/app/b'],
    ['g'],
  ])
  expect(second.nextToken).toBeUndefined()
  const logGroupIdentifier = second.logGroups?.[0]?.logGroupArn
  expect(logGroupIdentifier).toBe('arn:aws:logs:us-east-1:000000000000:log-group:g')

  const described = await client.send(new DescribeLogGroupsCommand({ logGroupIdentifiers: [logGroupIdentifier ?? ''] }))
  expect(described.logGroups?.map(({ logGroupName }) => logGroupName)).toEqual(['g'])
  const streams = await client.send(new DescribeLogStreamsCommand({ logGroupIdentifier }))
  expect(streams.logStreams?.map(({ logStreamName }) => logStreamName)).toEqual(['s'])
  const got = await client.send(new GetLogEventsCommand({ logGroupIdentifier, logStreamName: 's' }))
  expect(got.events).toHaveLength(2)
  const filterPattern = '{ $.body = "plain*" }'
  const filtered = await client.send(new FilterLogEventsCommand({ logGroupIdentifier, filterPattern }))
  expect(filtered.events?.map(({ message }) => message)).toEqual(['{"body":"plain text"}'])

  const both = new FilterLogEventsCommand({ logGroupIdentifier, logGroupName: 'g' })
  await expect(client.send(both)).rejects.toThrow(InvalidParameterException)
  const query = new StartQueryCommand({ queryString: 'fields @message', startTime: 0, endTime: 1 })
  await expect(client.send(query)).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message: expect.stringContaining('ListLogGroups') as string,
  })
})

test('a Live Tail session passes on what is put while it runs, and ends with an exception of the SDK', async () => {
  const arn = 'arn:aws:logs:us-east-1:000000000000:log-group:g'
  const { responseStream } = await client.send(
    new StartLiveTailCommand({ logGroupIdentifiers: [arn], logStreamNames: ['s'], logEventFilterPattern: 'wanted' }),
  )
  const messages: string[] = []
  const read = async () => {
    for await (const { sessionStart, sessionUpdate } of responseStream ?? []) {
      if (sessionStart !== undefined) {
        expect(sessionStart).toMatchObject({ logGroupIdentifiers: [arn], logEventFilterPattern: 'wanted' })
        await put('wanted ü😀', 'other')
      }
      for (const event of sessionUpdate?.sessionResults ?? []) {
        expect(event).toMatchObject({ logGroupIdentifier: '000000000000:g', logStreamName: 's' })
        expect(event.ingestionTime).toBeTypeOf('number')
        messages.push(event.message ?? '')
        local.endLiveTails('SessionTimeoutException')
      }
    }
  }
  await expect(read()).rejects.toMatchObject({ name: 'SessionTimeoutException' })
  expect(messages).toEqual(['wanted ü😀'])
  expect(local.store.watchers.size).toBe(0)
})
