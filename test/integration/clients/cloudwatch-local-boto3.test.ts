// boto3 reads and writes; moto, which others made, is asked the same where it knows the rule. Where the two differ is in
// the README of the extension.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { callWithBoto3, type Boto3Call, type Boto3Result } from './boto3.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { startMoto } from './moto.ts'
import { pythonTools } from './python.ts'

const python = await pythonTools()
const MOTO_ACCOUNT = '123456789012'
const now = Date.now()
const group = { logGroupName: 'g' }
const stream = { logGroupName: 'g', logStreamName: 's' }
const arn = `arn:aws:logs:us-east-1:${MOTO_ACCOUNT}:log-group:g`
const at = (timestamp: number, message: string) => ({ timestamp, message })

describe.skipIf(python.missing !== undefined)(`boto3 ${python.missing ?? ''}`, () => {
  let local: CloudWatchLocal
  beforeAll(async () => {
    local = await startCloudWatchLocal({ quotas: false })
  })
  afterAll(() => local.close())

  test('it reads back what it puts, by each operation that reads', async () => {
    const messages = ['plain', '{"body":"ü \\u2028 😀"}', ' \t\n"\\\u0000', 'x'.repeat(300_000)]
    const logEvents = messages.map((message, index) => at(now + index, message))
    const results = await callWithBoto3(python, local.url, [
      ['create_log_group', { ...group, tags: { team: 'a' } }],
      ['create_log_stream', stream],
      ['put_log_events', { ...stream, logEvents }],
      ['put_retention_policy', { ...group, retentionInDays: 14 }],
      ['get_log_events', { ...stream, startFromHead: true }],
      ['paginate filter_log_events', { ...group, PaginationConfig: { PageSize: 3 } }],
      ['paginate describe_log_groups', { logGroupNamePrefix: group.logGroupName }],
      ['paginate describe_log_streams', { ...group, orderBy: 'LastEventTime', descending: true }],
      ['list_tags_for_resource', { resourceArn: 'arn:aws:logs:us-east-1:000000000000:log-group:g' }],
    ])
    expect(results.map((result) => ('error' in result ? result : 'ok'))).toEqual(results.map(() => 'ok'))
    const [, , , , got, filtered, groups, streams, tags] = results.map(answerOf)
    expect(got?.events).toMatchObject(logEvents)
    const pages = filtered?.pages as { events: object[] }[]
    expect(pages.map(({ events }) => events.length)).toEqual([3, 1])
    expect(pages.flatMap(({ events }) => events)).toMatchObject(logEvents)
    expect(groups?.pages).toMatchObject([{ logGroups: [{ ...group, retentionInDays: 14 }] }])
    expect(streams?.pages).toMatchObject([{ logStreams: [{ logStreamName: 's', lastEventTimestamp: now + 3 }] }])
    expect(tags).toEqual({ tags: { team: 'a' } })
  })

  test('it lists groups, and names one by its ARN', async () => {
    const logGroupIdentifier = 'arn:aws:logs:us-east-1:000000000000:log-group:listed'
    const listedStream = { logGroupName: 'listed', logStreamName: 's' }
    const results = await callWithBoto3(python, local.url, [
      ['create_log_group', { logGroupName: 'listed', tags: { env: 'prod' } }],
      ['create_log_stream', listedStream],
      ['put_log_events', { ...listedStream, logEvents: [at(now, '{"code":404}'), at(now, '{"code":500}')] }],
      ['list_log_groups', { logGroupNamePattern: '^list', logGroupTags: [{ key: 'env', values: ['pr*'] }] }],
      ['describe_log_groups', { logGroupIdentifiers: [logGroupIdentifier] }],
      ['describe_log_streams', { logGroupIdentifier }],
      ['get_log_events', { logGroupIdentifier, logStreamName: 's' }],
      ['filter_log_events', { logGroupIdentifier, filterPattern: '{ $.code >= 400 && $.code < 500 }' }],
      ['filter_log_events', { logGroupIdentifier, filterPattern: '{ $.code EXISTS }' }],
      ['filter_log_events', { logGroupIdentifier, logGroupName: 'listed' }],
    ])
    const [, , , listed, described, streams, got, filtered] = results.map(answerOf)
    expect(listed).toEqual({
      logGroups: [{ logGroupName: 'listed', logGroupArn: logGroupIdentifier, logGroupClass: 'STANDARD' }],
    })
    expect(described).toMatchObject({ logGroups: [{ logGroupName: 'listed', logGroupArn: logGroupIdentifier }] })
    expect(streams).toMatchObject({ logStreams: [{ logStreamName: 's' }] })
    expect(got).toMatchObject({ events: [{ message: '{"code":404}' }, { message: '{"code":500}' }] })
    expect(filtered).toMatchObject({ events: [{ message: '{"code":404}' }] })
    expect(results.slice(-2)).toMatchObject([
      { error: 'InvalidParameterException', message: expect.stringMatching(/^Invalid filter pattern: .*EXISTS/) },
      { error: 'InvalidParameterException', message: expect.stringContaining('Exactly one of logGroupName') },
    ])
  })

  test('it reads a Live Tail session', async () => {
    const tailed = { logGroupName: 'tailed', logStreamName: 's' }
    await callWithBoto3(python, local.url, [
      ['create_log_group', { logGroupName: 'tailed' }],
      ['create_log_stream', tailed],
    ])
    const logGroupIdentifiers = ['arn:aws:logs:us-east-1:000000000000:log-group:tailed']
    const reading = callWithBoto3(python, local.url, [['stream start_live_tail', { logGroupIdentifiers }]])
    await vi.waitUntil(() => local.store.watchers.size === 1, { timeout: 30_000, interval: 20 })
    await callWithBoto3(python, local.url, [['put_log_events', { ...tailed, logEvents: [at(now, 'ü 😀')] }]])
    const messages = (await reading).map(answerOf)[0]?.['messages'] as Record<string, unknown>[]
    expect(messages[0]).toMatchObject({ sessionStart: { logGroupIdentifiers } })
    expect(messages.at(-1)).toMatchObject({
      sessionUpdate: {
        sessionMetadata: { sampled: false },
        sessionResults: [{ logGroupIdentifier: '000000000000:tailed', logStreamName: 's', message: 'ü 😀' }],
      },
    })
  })

  test('refusals are boto3 errors, by code and message', async () => {
    const results = await callWithBoto3(python, local.url, [
      ['put_log_events', { logGroupName: 'none', logStreamName: 's', logEvents: [at(now, 'm')] }],
      ['put_log_events', { ...stream, logEvents: [at(now, '')] }],
      ['describe_queries', {}],
    ])
    expect(results).toEqual([
      { error: 'ResourceNotFoundException', message: 'The specified log group does not exist.' },
      {
        error: 'InvalidParameterException',
        message:
          "1 validation error detected: Value '' at 'logEvents.1.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1",
      },
      { error: 'UnknownOperationException', message: expect.stringContaining('CreateLogGroup, CreateLogStream') },
    ])
  })

  test('moto answers these calls the same way', async () => {
    const calls: readonly Boto3Call[] = [
      ['create_log_group', { logGroupName: 'x'.repeat(513) }],
      ['create_log_group', group],
      ['create_log_group', group],
      ['create_log_stream', stream],
      ['create_log_stream', { ...stream, logGroupName: 'none' }],
      ['put_retention_policy', { ...group, retentionInDays: 3 }],
      ['put_retention_policy', { logGroupName: 'none', retentionInDays: 3 }],
      ['put_log_events', { ...stream, logEvents: [at(now, 'a'), at(now - 1, 'b')] }],
      ['put_log_events', { ...stream, logGroupName: 'none', logEvents: [at(now, 'a')] }],
      ['put_log_events', { ...stream, logStreamName: 'none', logEvents: [at(now, 'a')] }],
      ['describe_log_groups', { limit: 51 }],
      ['describe_log_streams', { ...group, orderBy: 'LastEventTime', logStreamNamePrefix: 'a' }],
      ['describe_log_streams', { ...group, orderBy: 'Colour' }],
      ['describe_log_streams', { logGroupName: 'none' }],
      ['get_log_events', { ...stream, limit: 10_001 }],
      ['get_log_events', { ...stream, nextToken: 'made up' }],
      ['get_log_events', { ...stream, logGroupName: 'none' }],
      ['filter_log_events', { ...group, limit: 10_001 }],
      ['filter_log_events', { logGroupName: 'none' }],
      ['tag_resource', { resourceArn: arn, tags: { a: 'b' } }],
      ['list_tags_for_resource', { resourceArn: arn }],
      ['delete_log_stream', stream],
      ['delete_log_group', group],
      ['delete_log_group', group],
    ]
    const strict = await startCloudWatchLocal({ quotas: false, accountId: MOTO_ACCOUNT })
    const moto = await startMoto(python.tool('moto_server'))
    try {
      const ours = await callWithBoto3(python, strict.url, calls)
      const theirs = await callWithBoto3(python, moto.url, calls)
      const beside = (results: readonly Boto3Result[]) => results.map((result, index) => [calls[index]?.[0], result])
      expect(beside(ours)).toEqual(beside(theirs))
    } finally {
      await moto.close()
      await strict.close()
    }
  })
})

function answerOf(result: Boto3Result): Record<string, unknown> {
  return 'answer' in result ? result.answer : {}
}
