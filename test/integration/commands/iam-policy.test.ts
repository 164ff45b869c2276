import { expect, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { configFile, runToEnd, startDaemon } from '../daemon/daemon.ts'

const WITHIN = { timeout: 30_000, interval: 50 }
const ACCOUNT = '123456789012'
const OLD = BigInt(Date.now() - 20 * 86_400_000) * 1_000_000n

interface Policy {
  readonly Statement: readonly { readonly Action: readonly string[]; readonly Resource: readonly string[] }[]
}

/** An action on the resource that CloudWatch checks for it. */
interface Check {
  readonly action: string
  readonly resource: string
}

test.each<[string, object, number]>([
  [
    'every option that needs a permission',
    {
      log_group_name: '/app/{service.name}',
      log_stream_name: 'pod-{pod}',
      allowed_log_groups: ['/app/a*', '*/b'],
      log_retention: 7,
      tags: { team: 'a' },
      late_events: { policy: 'divert', log_group_name: '/late' },
    },
    5,
  ],
  ['one fixed destination', { log_group_name: '/fixed', log_stream_name: 'only' }, 1],
])('the policy allows what a daemon calls, and nothing else: %s', async (_, exporter, groups) => {
  const cloudwatch = await startCloudWatchLocal()
  try {
    const file = await configFile({
      receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:0' } } } },
      exporters: { awscloudwatchlogs: { ...exporter, region: 'us-east-1', endpoint: cloudwatch.url } },
      service: { pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs'] } } },
    })
    const { code, stdout } = await runToEnd(['iam-policy', '--config', file, '--account', ACCOUNT])
    expect(code).toBe(0)
    const policy = JSON.parse(stdout) as Policy

    const daemon = await startDaemon(file)
    const record = { body: 'x', attributes: { pod: 'p' } }
    const body = logsRequest(
      { resource: { 'service.name': 'apple' }, scopes: [{ records: [record] }] },
      { resource: { 'service.name': 'b' }, scopes: [{ records: [record] }] },
      { resource: { 'service.name': 'x/b' }, scopes: [{ records: [record] }] },
      { resource: { 'service.name': 'not-allowed' }, scopes: [{ records: [record] }] },
      ...(groups > 1
        ? [{ resource: { 'service.name': 'apple' }, scopes: [{ records: [{ ...record, time: OLD }] }] }]
        : []),
    )
    const answer = await fetch(`http://127.0.0.1:${daemon.httpPort}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(body),
    })
    expect(answer.status).toBe(200)
    await vi.waitUntil(() => cloudwatch.events().length === (groups > 1 ? 5 : 4), WITHIN)
    const isReady = () => [...cloudwatch.store.groups.values()].every(({ retentionInDays }) => retentionInDays === 7)
    if (groups > 1) await vi.waitUntil(isReady, WITHIN)
    expect(await daemon.stop()).toBe(0)
    expect(cloudwatch.store.groups.size).toBe(groups)

    const checks = checksOf(cloudwatch)
    expect(checks.filter((check) => !allows(policy, check))).toEqual([])
    const unused = policy.Statement.flatMap(({ Action, Resource }) =>
      Action.flatMap((action) => Resource.map((resource) => ({ action, resource }))),
    ).filter((allowed) => !checks.some((check) => matches(allowed, check)))
    expect(unused).toEqual([])
    for (const group of ['/other', '/app/x', '/fixed2'])
      for (const action of new Set(checks.map((check) => check.action)))
        expect(allows(policy, { action, resource: `${arn(group)}:log-stream:pod-p` })).toBe(false)
  } finally {
    await cloudwatch.close()
  }
})

test.each<[string, object]>([
  [
    'streams of records',
    { log_group_name: '/app', log_stream_name: 'pod-{pod}', log_retention: 7, tags: { team: 'a' } },
  ],
  ['one stream', { log_group_name: '/app', log_stream_name: 'only' }],
  ['groups of records', { log_group_name: '/app/{service.name}', log_stream_name: '{pod}', log_retention: 7 }],
])('the policy with --doctor allows what doctor calls: %s', async (_, exporter) => {
  const cloudwatch = await startCloudWatchLocal()
  try {
    const file = await configFile({
      receivers: { otlp: { protocols: { http: {} } } },
      exporters: { awscloudwatchlogs: { ...exporter, region: 'us-east-1', endpoint: cloudwatch.url } },
      service: { pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs'] } } },
    })
    const printed = await runToEnd(['iam-policy', '--config', file, '--account', ACCOUNT, '--doctor'])
    const policy = JSON.parse(printed.stdout) as Policy
    const { code, stdout, stderr } = await runToEnd(['doctor', '--config', file, '--create-group'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ok {4}canary read/m)
    const checks = checksOf(cloudwatch).filter(({ action }) => action !== 'logs:GetCallerIdentity')
    expect(checks.length).toBeGreaterThan(5)
    expect(checks.filter((check) => !allows(policy, check))).toEqual([])
  } finally {
    await cloudwatch.close()
  }
})

function arn(group: string): string {
  return `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${group}`
}

/** What CloudWatch checks for each call, as its messages about denied ones name it. */
function checksOf(cloudwatch: CloudWatchLocal): Check[] {
  return cloudwatch.calls.all.flatMap(({ operation, group = '', stream = '' }) => {
    const check = { action: `logs:${operation}`, resource: `${arn(group)}:log-stream:${stream}` }
    const isTagged = operation === 'CreateLogGroup' && (cloudwatch.store.groups.get(group)?.tags.size ?? 0) > 0
    return isTagged ? [check, { action: 'logs:TagResource', resource: arn(group) }] : [check]
  })
}

function allows({ Statement }: Policy, check: Check): boolean {
  return Statement.some(({ Action, Resource }) =>
    Action.some((action) => Resource.some((resource) => matches({ action, resource }, check))),
  )
}

/** As IAM does: an asterisk is any characters, `${?}` is a question mark. */
function matches(allowed: Check, check: Check): boolean {
  const pattern = allowed.resource
    .split('*')
    .map((part) => part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`))
    .join('.*')
  return allowed.action === check.action && new RegExp(`^${pattern}$`).test(check.resource)
}
