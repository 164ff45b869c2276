// The actions that docs/guides/permissions.md asks for, beside the calls that a daemon makes: none is missing, none is idle.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { callCloudWatch } from '../../fakes/call-cloudwatch.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { cloudwatchConfig, type ExporterOptions } from '../daemon/daemon-config.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { startDaemon } from '../daemon/daemon.ts'

const GUIDE = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'guides', 'permissions.md'), 'utf8')
const WAIT = { timeout: 60_000, interval: 50 }

interface Policy {
  readonly Version: string
  readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: string }[]
}

const policies = [...GUIDE.matchAll(/^```json\n(.*?)^```/gms)].map(([, text = '']) => JSON.parse(text) as Policy)
const actionsOf = (policy: Policy | undefined) => policy?.Statement.flatMap(({ Action }) => Action).toSorted()

/** The actions of the rows that have these words. */
function actionsInTable(...options: readonly string[]): string[] {
  const rows = GUIDE.split('\n').filter((line) => line.startsWith('| ') && options.some((each) => line.includes(each)))
  expect(rows).toHaveLength(options.length)
  return rows.flatMap((row) => [...row.matchAll(/`(logs:\w+)`/g)].map(([, action = '']) => action)).toSorted()
}

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal({ quotas: false })
  return () => local.close()
})

/** Runs a daemon until its events are stored. @returns the actions of its calls, each once */
async function actionsOfCalls(options: ExporterOptions): Promise<string[]> {
  const before = local.calls.all.length
  const exporter = { log_group_name: '/services/web', log_stream_name: 'main', ...options }
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter }))
  expect((await postRecords(daemon, { body: 'a' })).status).toBe(200)
  await vi.waitFor(() => expect(local.events('/services/web', 'main')).toHaveLength(1), WAIT)
  // Retention is set after the events of a new group are on their way.
  const retention = Number(options['log_retention'] ?? 0)
  if (retention > 0) await vi.waitFor(() => expect(local.calls.count('PutRetentionPolicy', 'ok')).toBe(1), WAIT)
  expect(await daemon.stop()).toBe(0)
  const calls = local.calls.all.slice(before)
  const actions = calls.map(({ operation }) => `logs:${operation}`)
  return [...new Set(actions)].toSorted()
}

describe('the least policy', () => {
  test('with the defaults and a retention is what the first policy has', async () => {
    const actions = await actionsOfCalls({ log_retention: 30 })
    expect(actions).toEqual(actionsOf(policies[0]))
    expect(actions).toEqual(
      actionsInTable('always', '`create_log_stream: true`', '`create_log_group: true`', '`log_retention`'),
    )
  })

  test('with the defaults alone needs no action for retention', async () => {
    expect(await actionsOfCalls({})).toEqual(
      actionsInTable('always', '`create_log_stream: true`', '`create_log_group: true`'),
    )
  })

  test('with tags needs logs:TagResource beside the calls, because CreateLogGroup carries them', async () => {
    const actions = await actionsOfCalls({ tags: { team: 'a' } })
    expect(local.store.groups.get('/services/web')?.tags.get('team')).toBe('a')
    expect([...actions, 'logs:TagResource'].toSorted()).toEqual(
      actionsInTable('always', '`create_log_stream: true`', '`create_log_group: true`', '`tags`'),
    )
  })

  test('without creation is PutLogEvents alone, as the second policy has', async () => {
    await callCloudWatch(local.url, 'CreateLogGroup', { logGroupName: '/services/web' })
    await callCloudWatch(local.url, 'CreateLogStream', { logGroupName: '/services/web', logStreamName: 'main' })
    const actions = await actionsOfCalls({ create_log_group: false, create_log_stream: false })
    expect(actions).toEqual(actionsOf(policies[1]))
    expect(actions).toEqual(actionsInTable('always'))
  })

  test('is valid, and names no action or resource that could be narrower', () => {
    expect(policies).toHaveLength(2)
    for (const { Version, Statement } of policies) {
      expect(Version).toBe('2012-10-17')
      for (const { Action, Resource } of Statement) {
        expect(Action.filter((action) => action.includes('*'))).toEqual([])
        expect(Resource).toMatch(/^arn:aws:logs:us-east-1:\d{12}:log-group:\/[a-z]+(?:\/\*|:\*)$/)
      }
    }
  })
})
