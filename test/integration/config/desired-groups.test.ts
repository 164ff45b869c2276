import { expect, test, vi } from 'vitest'
import type { CloudWatchLogRecordExporterOptions } from '../../../src/index.ts'
import { library, localCloudWatch, storedBodies } from '../library/library.ts'

// `log_groups`: groups get the state that the config describes, and events never wait for it.

type Rules = NonNullable<CloudWatchLogRecordExporterOptions['logGroups']>

const KEY = 'arn:aws:kms:us-east-1:123456789012:key/1234abcd'
const WAIT = { timeout: 20_000 }
const RULE = {
  match: 'gr*',
  retentionDays: 30,
  tags: { team: 'a' },
  kmsKeyId: KEY,
  logGroupClass: 'STANDARD',
  deletionProtection: true,
} as const
const rules = (...list: Rules) => ({ logGroups: list })

test('an existing group gets retention, tags, key and deletion protection, and keeps its other tags', async () => {
  const local = await localCloudWatch()
  const tags = new Map([['owner', 'b']])
  local.store.createGroup({ name: 'group', creationTime: 1, tags, retentionInDays: 7 })
  const { send } = await library(rules(RULE), local)
  expect((await send({ body: 'a' })).code).toBe(0)
  const group = local.store.groups.get('group')
  await vi.waitUntil(() => group?.deletionProtectionEnabled === true && group.tags.size === 2, WAIT)
  expect(group).toMatchObject({ retentionInDays: 30, kmsKeyId: KEY })
  expect(Object.fromEntries(group?.tags ?? [])).toEqual({ owner: 'b', team: 'a' })
})

test('a new group is created with class, key and tags, and the first rule that matches applies', async () => {
  const local = await localCloudWatch()
  const first = { ...RULE, logGroupClass: 'INFREQUENT_ACCESS', retentionDays: 3 } as const
  const { send } = await library(rules({ match: 'other*', retentionDays: 1 }, first, RULE), local)
  expect((await send({ body: 'a' })).code).toBe(0)
  const group = local.store.groups.get('group')
  expect(group).toMatchObject({ logGroupClass: 'INFREQUENT_ACCESS', kmsKeyId: KEY, deletionProtectionEnabled: true })
  expect(Object.fromEntries(group?.tags ?? [])).toEqual({ team: 'a' })
  await vi.waitUntil(() => group?.retentionInDays === 3, WAIT)
  expect(local.calls.count('AssociateKmsKey')).toBe(0)
})

test('a role with CreateLogStream and PutLogEvents alone delivers', async () => {
  const local = await localCloudWatch()
  local.store.createGroup({ name: 'group', creationTime: 1 })
  const denied = [
    'DescribeLogGroups',
    'ListTagsForResource',
    'PutRetentionPolicy',
    'TagResource',
    'AssociateKmsKey',
    'PutLogGroupDeletionProtection',
  ]
  for (const operation of denied) local.faults.error('AccessDeniedException', 'not authorized', 400, { operation })
  const { send } = await library(rules(RULE), local)
  expect((await send({ body: 'a' })).code).toBe(0)
  await vi.waitUntil(() => local.calls.count('PutLogGroupDeletionProtection') > 0, WAIT)
  expect((await send({ body: 'b' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['a', 'b'])
  const denials = local.calls.all.filter(({ outcome }) => outcome === 'AccessDeniedException')
  expect(new Set(denials.map(({ operation }) => operation))).toEqual(
    new Set(['DescribeLogGroups', 'PutRetentionPolicy', 'AssociateKmsKey', 'PutLogGroupDeletionProtection']),
  )
  // Each denied call was made once, not once per put.
  expect(local.calls.count('PutRetentionPolicy')).toBe(1)
})

test('throttled control calls delay neither events nor new groups, and are made again', async () => {
  const local = await localCloudWatch()
  local.store.createGroup({ name: '/app/old', creationTime: 1 })
  const throttling = local.faults.throttle({ operation: 'PutRetentionPolicy' })
  const { sendTo } = await library(
    { logGroupName: '/app/{name}', ...rules({ match: '/app/*', retentionDays: 5 }) },
    local,
  )
  expect((await sendTo(['old'], 'a')).code).toBe(0)
  await vi.waitUntil(() => throttling.hits > 1, WAIT)
  expect((await sendTo(['old', 'new'], 'b')).code).toBe(0)
  expect(storedBodies(local, '/app/new')).toEqual(['b'])
  throttling.off()
  const days = (name: string) => local.store.groups.get(name)?.retentionInDays
  await vi.waitUntil(() => days('/app/old') === 5 && days('/app/new') === 5, WAIT)
})

test('a key that CloudWatch refuses does not keep a new group from being created', async () => {
  const local = await localCloudWatch()
  const refused = local.faults.error('InvalidParameterException', 'the key is disabled', 400, {
    operation: 'CreateLogGroup',
    times: 1,
  })
  const { send } = await library(rules({ match: '*', kmsKeyId: KEY }), local)
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(refused.hits).toBe(1)
  expect(storedBodies(local)).toEqual(['a'])
  await vi.waitUntil(() => local.store.groups.get('group')?.kmsKeyId === KEY, WAIT)
  // The group was created without the key, and got it afterwards.
  expect(local.calls.count('AssociateKmsKey', 'ok')).toBe(1)
})
