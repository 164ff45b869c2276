import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Calls } from '../../../../../src/exporters/awscloudwatchlogs/aws/calls.ts'
import { ALONE } from '../../../../../src/component/siblings.ts'
import { destination } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'
import {
  type ProvisionSettings,
  Provisioner,
} from '../../../../../src/exporters/awscloudwatchlogs/provision/provisioner.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'
import { listeningLogger, type LogLine } from '../../../../fakes/logger.ts'

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

function provisioning(settings: Partial<ProvisionSettings> = {}) {
  const client = new CloudWatchLogsClient({
    region: 'us-east-1',
    endpoint: local.url,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
  })
  const aws = async () => new Calls(client)
  const logged: LogLine[] = []
  const provisioner = new Provisioner(
    aws,
    {
      retentionDays: 0,
      tags: undefined,
      createGroups: true,
      createStreams: true,
      groupRules: [],
      share: 1,
      once: (...wanted) => ALONE.once(...wanted),
      account: 'us-east-1',
      backoff: { initialMs: 50, multiplier: 1.5, maxMs: 500 },
      ...settings,
    },
    listeningLogger((line) => logged.push(line)),
  )
  onTestFinished(() => {
    provisioner.stop()
    client.destroy()
  })
  return {
    ensure: (group: string, stream: string) => provisioner.ensure(destination(group, stream)),
    provisioner,
    logged,
  }
}

const READY = { kind: 'ready' }

test('a missing group and stream are created, the next stream alone', async () => {
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

test('many streams of one new group at once: the group is created once, each stream once', async () => {
  const { ensure } = provisioning()
  const streams = Array.from({ length: 5 }, (_, i) => `s${i}`)
  const ensured = await Promise.all([...streams, ...streams].map((stream) => ensure('g', stream)))
  expect(ensured).toEqual(ensured.map(() => READY))
  expect(local.calls.count('CreateLogGroup')).toBe(1)
  expect(local.calls.count('CreateLogStream', 'ok')).toBe(5)
})

test('a destination whose creation began is finished before others begin', async () => {
  const { ensure } = provisioning()
  const made: string[] = []
  const all = Array.from({ length: 30 }, async (_, i) => {
    await ensure(`g${i}`, 's')
    made.push(`g${i}`)
  })
  await vi.waitUntil(() => made.length > 0, { timeout: 20_000 })
  // Groups come at 8 a second and streams at 40: with each group its stream, not all groups first.
  expect(local.calls.count('CreateLogGroup')).toBeLessThanOrEqual(4)
  await Promise.all(all)
  expect(made).toHaveLength(30)
  expect(local.calls.all.filter(({ outcome }) => outcome === 'ThrottlingException')).toEqual([])
})

test('a retention that is throttled is remembered and set', async () => {
  local.faults.throttle({ operation: 'PutRetentionPolicy', times: 6 })
  const { ensure, logged } = provisioning({ retentionDays: 7 })
  await Promise.all(Array.from({ length: 12 }, (_, i) => ensure(`g${i}`, 's')))
  await vi.waitUntil(() => local.calls.count('PutRetentionPolicy', 'ok') === 12, { timeout: 20_000 })
  expect(logged.filter(({ level }) => level === 'error')).toEqual([])
})

test('retention that could not be set before the stop is named', async () => {
  local.faults.fail(503, { operation: 'PutRetentionPolicy' })
  const { ensure, provisioner, logged } = provisioning({ retentionDays: 7 })
  await ensure('g', 's')
  provisioner.stop()
  expect(logged.filter(({ level }) => level === 'error')).toMatchObject([
    {
      message: 'log groups were created without their retention: set it by hand',
      fields: { groups: ['g'], count: 1, days: 7 },
    },
  ])
})

describe('faults of a wider scope are waited out', () => {
  test.each([
    ['ThrottlingException', 400],
    ['ServiceUnavailableException', 503],
    ['ExpiredTokenException', 400],
  ] as const)('%s, by calls of each kind', async (code, status) => {
    for (const operation of ['CreateLogGroup', 'CreateLogStream'])
      local.faults.error(code, 'no', status, { operation, times: 3 })
    const { ensure, provisioner } = provisioning()
    expect(await ensure('g', 's')).toEqual(READY)
    expect(provisioner.scope).toMatchObject({ kind: 'creation', state: 'closed', lastFault: `${code}: no` })
  })

  test('a group whose creation always fails does not keep others from being created', async () => {
    local.faults.fail(503, { operation: 'CreateLogGroup', group: 'bad' })
    const { ensure } = provisioning()
    void ensure('bad', 's')
    const good = await Promise.all(Array.from({ length: 5 }, (_, i) => ensure(`good${i}`, 's')))
    expect(good).toEqual(good.map(() => READY))
  })

  test('it is logged once, and so is its end', async () => {
    local.faults.throttle({ operation: 'CreateLogGroup', times: 2 })
    const { ensure, logged } = provisioning()
    await ensure('g', 's')
    expect(logged.filter(({ message }) => /cannot be created now|can be created again/.test(message))).toMatchObject([
      { level: 'warn', fields: { reason: 'throttled' } },
      { level: 'warn', fields: { reason: 'throttled' } },
      { level: 'info' },
    ])
  })
})

describe('a destination that cannot be created is a fault', () => {
  test.each([
    ['AccessDeniedException', 'group', 'access_denied', true],
    ['LimitExceededException', 'group', 'quota_exceeded', true],
    ['InvalidParameterException', 'group', 'cannot_create', true],
  ] as const)('%s: of the %s, %s', async (code, scope, reason, lasting) => {
    local.faults.error(code, 'no', 400, { operation: 'CreateLogGroup', times: 1 })
    const { ensure } = provisioning()
    expect(await ensure('g', 's')).toMatchObject({ kind: 'retry', scope, reason, lasting, maybeTaken: false })
    expect(await ensure('g', 's')).toEqual(READY)
  })

  test('a group is created even if its retention cannot be set', async () => {
    local.faults.error('AccessDeniedException', 'no', 400, { operation: 'PutRetentionPolicy' })
    expect(await provisioning({ retentionDays: 7 }).ensure('g', 's')).toEqual(READY)
  })

  test('a destination that another client creates meanwhile is used', async () => {
    const { ensure } = provisioning()
    local.faults.error('ResourceAlreadyExistsException', 'it does', 400, { operation: 'CreateLogGroup', times: 1 })
    await ensure('g', 's')
    expect(local.calls.count('CreateLogStream')).toBe(2)
  })
})

test('a stop ends waiting creations', async () => {
  const { ensure, provisioner } = provisioning()
  const ensured = Array.from({ length: 30 }, (_, i) => ensure(`g${i}`, 's'))
  provisioner.stop()
  for (const outcome of await Promise.all(ensured)) expect(outcome.kind).toBe('retry')
  expect(await ensure('late', 's')).toMatchObject({ kind: 'retry', reason: 'shutting_down' })
  const calls = local.calls.all.length
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(local.calls.all.length).toBe(calls)
})
