import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { ALONE } from '../../../../../src/component/siblings.ts'
import { Calls } from '../../../../../src/exporters/awscloudwatchlogs/aws/calls.ts'
import {
  DesiredGroups,
  type DesiredSettings,
} from '../../../../../src/exporters/awscloudwatchlogs/provision/desired-groups.ts'
import { type GroupRule, GroupRules } from '../../../../../src/exporters/awscloudwatchlogs/route/group-rules.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'
import { listeningLogger, type LogLine } from '../../../../fakes/logger.ts'

const WAIT = { timeout: 20_000 }
const NOTHING = {
  match: '*',
  retentionDays: undefined,
  tags: undefined,
  kmsKeyId: undefined,
  logGroupClass: undefined,
  deletionProtection: undefined,
}

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
  return () => local.close()
})

function desired(rule: Partial<GroupRule>, settings: Partial<DesiredSettings> = {}) {
  const client = new CloudWatchLogsClient({
    region: 'us-east-1',
    endpoint: local.url,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
  })
  const logged: LogLine[] = []
  const groups = new DesiredGroups(
    async () => new Calls(client),
    {
      rules: new GroupRules([{ ...NOTHING, ...rule }]),
      share: 1,
      once: (...wanted) => ALONE.once(...wanted),
      backoff: { initialMs: 20, multiplier: 1.5, maxMs: 100 },
      ...settings,
    },
    listeningLogger((line) => logged.push(line)),
  )
  onTestFinished(() => {
    groups.stop()
    client.destroy()
  })
  return { groups, logged }
}

function create(name: string) {
  return local.store.createGroup({ name, creationTime: 1 })
}

test('a group of another class is reported and not changed', async () => {
  create('g')
  const { groups, logged } = desired({ logGroupClass: 'INFREQUENT_ACCESS' })
  groups.written('g')
  await vi.waitUntil(() => groups.countDrift().get('log_class') === 1, WAIT)
  expect([...groups.drift()]).toMatchObject([{ group: 'g', drift: ['log_class'] }])
  expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1)
})

test('a denied change is reported with its action, and made once the permission is there', async () => {
  const group = create('g')
  const denial = local.faults.error('AccessDeniedException', 'no', 400, { operation: 'PutRetentionPolicy' })
  const { groups, logged } = desired({ retentionDays: 30 }, { deniedMs: 50 })
  groups.written('g')
  await vi.waitUntil(() => denial.hits > 2, WAIT)
  expect([...groups.drift()]).toMatchObject([{ group: 'g', drift: ['retention'] }])
  // Folded: one line for several failures.
  const errors = logged.filter(({ level }) => level === 'error')
  expect(errors).toHaveLength(1)
  expect(JSON.stringify(errors)).toContain('logs:PutRetentionPolicy')
  denial.off()
  await vi.waitUntil(() => group.retentionInDays === 30 && groups.countDrift().size === 0, WAIT)
  expect(groups.changed).toBe(1)
})

test('a group that someone changed by hand is changed back while it is written', async () => {
  const group = create('g')
  const { groups } = desired({ retentionDays: 0 }, { recheckMs: 50 })
  const writing = setInterval(() => groups.written('g'), 10)
  onTestFinished(() => clearInterval(writing))
  await vi.waitUntil(() => local.calls.count('DescribeLogGroups') > 0, WAIT)
  group.retentionInDays = 3
  await vi.waitUntil(() => group.retentionInDays === undefined, WAIT)
})

test('a group that is right gets no call that changes it', async () => {
  create('g').retentionInDays = 30
  const { groups } = desired({ retentionDays: 30 }, { recheckMs: 20 })
  groups.written('g')
  await vi.waitUntil(() => local.calls.count('DescribeLogGroups') > 0, WAIT)
  groups.written('h')
  await vi.waitUntil(() => local.calls.count('DescribeLogGroups') > 1, WAIT)
  expect(local.calls.count('PutRetentionPolicy')).toBe(0)
})

test('fifteen groups at once stay under the quotas of CloudWatch', async () => {
  const made = Array.from({ length: 15 }, (_, i) => create(`g${i}`))
  const { groups } = desired({ retentionDays: 5, tags: { a: 'b' } })
  for (const { name } of made) groups.written(name)
  await vi.waitUntil(() => made.every(({ retentionInDays, tags }) => retentionInDays === 5 && tags.has('a')), WAIT)
  expect(local.calls.all.filter(({ outcome }) => outcome === 'ThrottlingException')).toEqual([])
})
