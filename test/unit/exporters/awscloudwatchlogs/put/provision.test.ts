import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Calls } from '../../../../../src/exporters/awscloudwatchlogs/aws/calls.ts'
import { ALONE } from '../../../../../src/component/siblings.ts'
import { destination } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { type GroupSettings, Provisioner } from '../../../../../src/exporters/awscloudwatchlogs/put/provision.ts'
import { silentLogger } from '../../../../../src/telemetry/logger.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

function provisioning(settings: Partial<GroupSettings> = {}) {
  const client = new CloudWatchLogsClient({
    region: 'us-east-1',
    endpoint: local.url,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
  })
  const stop = new AbortController()
  onTestFinished(() => {
    stop.abort()
    client.destroy()
  })
  const aws = async () => new Calls(client)
  const provisioner = new Provisioner(
    aws,
    { retentionDays: 0, tags: undefined, share: 1, once: (...wanted) => ALONE.once(...wanted), ...settings },
    silentLogger,
  )
  return {
    ensure: (group: string, stream: string) => provisioner.ensure(destination(group, stream), stop.signal),
    provisioner,
    stop,
  }
}

const READY = { kind: 'ready' }

test('a group and a stream that are missing are made, the next stream alone', async () => {
  const { ensure, provisioner } = provisioning({ retentionDays: 7, tags: { a: 'b' } })
  expect(await ensure('g', 'one')).toEqual(READY)
  expect(await ensure('g', 'two')).toEqual(READY)
  expect(local.calls.all.map(({ operation, outcome }) => `${operation} ${outcome}`)).toEqual([
    'CreateLogStream ResourceNotFoundException',
    'CreateLogGroup ok',
    'PutRetentionPolicy ok',
    'CreateLogStream ok',
    'CreateLogStream ok',
  ])
  expect(provisioner).toMatchObject({ groupsCreated: 1, streamsCreated: 2 })
})

test('many streams of one new group at once: the group is made once, each stream once', async () => {
  const { ensure } = provisioning()
  const streams = Array.from({ length: 5 }, (_, i) => `s${i}`)
  const ensured = await Promise.all([...streams, ...streams].map((stream) => ensure('g', stream)))
  expect(ensured).toEqual(ensured.map(() => READY))
  expect(local.calls.count('CreateLogGroup')).toBe(1)
  expect(local.calls.count('CreateLogStream', 'ok')).toBe(5)
})

test('behind a long row nobody waits: the lane is asked to come back, and finds it made', async () => {
  const { ensure } = provisioning()
  const ensured = await Promise.all(Array.from({ length: 12 }, (_, i) => ensure('g', `s${i}`)))
  const later = ensured.filter(({ kind }) => kind === 'retry')
  expect(later).toHaveLength(7)
  for (const each of later) {
    expect(each).toMatchObject({ scope: 'stream', reason: 'creating', expected: true, maybeTaken: false })
    expect('afterMs' in each && each.afterMs).toBeGreaterThan(0)
  }
  await vi.waitUntil(() => local.calls.count('CreateLogStream', 'ok') === 12, { timeout: 20_000 })
})

describe('what cannot be made is a fault', () => {
  test.each([
    ['AccessDeniedException', 'group', 'access_denied', true],
    ['LimitExceededException', 'group', 'quota_exceeded', true],
    ['ThrottlingException', 'account', 'throttled', false],
    ['InvalidParameterException', 'group', 'cannot_create', true],
    ['ServiceUnavailableException', 'endpoint', 'server_error', false],
  ] as const)('%s: of the %s, %s', async (code, scope, reason, lasting) => {
    local.faults.error(code, 'no', 400, { operation: 'CreateLogGroup', times: 1 })
    const { ensure } = provisioning()
    expect(await ensure('g', 's')).toMatchObject({ kind: 'retry', scope, reason, lasting, maybeTaken: false })
    expect(await ensure('g', 's')).toEqual(READY)
  })

  test('one without its retention is made all the same', async () => {
    local.faults.error('AccessDeniedException', 'no', 400, { operation: 'PutRetentionPolicy' })
    expect(await provisioning({ retentionDays: 7 }).ensure('g', 's')).toEqual(READY)
  })

  test('one that somebody else makes meanwhile is there', async () => {
    const { ensure } = provisioning()
    local.faults.error('ResourceAlreadyExistsException', 'it does', 400, { operation: 'CreateLogGroup', times: 1 })
    await ensure('g', 's')
    expect(local.calls.count('CreateLogStream')).toBe(2)
  })
})

test('a stop ends what waits for its turn', async () => {
  const { ensure, stop } = provisioning()
  // More than the burst of creations, so that the last ones wait.
  const ensured = Array.from({ length: 30 }, (_, i) => ensure(`g${i}`, 's'))
  stop.abort()
  for (const outcome of await Promise.all(ensured)) expect(outcome.kind).toBe('retry')
  const calls = local.calls.all.length
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(local.calls.all.length).toBe(calls)
})
