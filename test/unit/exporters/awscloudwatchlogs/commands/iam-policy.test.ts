import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Glob } from '../../../../../src/component/glob.ts'
import { overlap } from '../../../../../src/exporters/awscloudwatchlogs/commands/policy/glob-overlap.ts'
import { cliWith } from './real-cli.ts'

const EKS = { log_group_name: '/eks/{namespace}', log_stream_name: '{pod}', region: 'eu-central-1' }

interface Statement {
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}
interface Printed {
  readonly Version: string
  readonly Statement: readonly Statement[]
}

async function policyOf(exporter: object, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { code, out, err } = await cliWith({ awscloudwatchlogs: exporter }, ['iam-policy', ...args], { env })
  expect(err).toBe('')
  expect(code).toBe(0)
  return JSON.parse(out) as Printed
}

/** The resources of one action. */
function resourcesOf({ Statement }: Printed, action: string): readonly string[] {
  return Statement.filter(({ Action }) => Action.includes(`logs:${action}`)).flatMap(({ Resource }) => Resource)
}

test('a policy has exactly the actions that the config uses, on the groups and streams of its names', async () => {
  expect(await policyOf(EKS, ['--account', '123456789012'])).toEqual({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'PutLogEvents',
        Effect: 'Allow',
        Action: ['logs:PutLogEvents'],
        Resource: ['arn:aws:logs:eu-central-1:123456789012:log-group:/eks/*:log-stream:*'],
      },
      {
        Sid: 'CreateLogStreamCreateLogGroup',
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:CreateLogGroup'],
        Resource: ['arn:aws:logs:eu-central-1:123456789012:log-group:/eks/*:*'],
      },
    ],
  })
})

test('retention and tags need actions of their own, and only then', async () => {
  const policy = await policyOf({ ...EKS, log_retention: 7, tags: { team: 'a' } })
  expect(resourcesOf(policy, 'PutRetentionPolicy')).toEqual(['arn:aws:logs:eu-central-1:*:log-group:/eks/*:*'])
  // The tagging actions take the ARN without `:*`.
  expect(resourcesOf(policy, 'TagResource')).toEqual(['arn:aws:logs:eu-central-1:*:log-group:/eks/*'])
})

test('the operations of the exporter are those of the policy', () => {
  const calls = readFileSync('src/exporters/awscloudwatchlogs/aws/calls.ts', 'utf8')
  const actions = readFileSync('src/exporters/awscloudwatchlogs/commands/policy/actions.ts', 'utf8')
  const called = [...calls.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name)
  expect(called.length).toBeGreaterThan(3)
  for (const name of called) expect(actions.split('DOCTOR')[0]).toContain(`'logs:${name}'`)
})

describe('resources of PutLogEvents', () => {
  const FIXED = { log_group_name: '/app', log_stream_name: 's', region: 'eu-central-1' }
  test.each<[string, object, readonly string[]]>([
    ['one fixed destination has no overflow', FIXED, ['/app:log-stream:s']],
    [
      'a fixed group with a stream of a record',
      { ...FIXED, log_stream_name: 'pod-{pod}' },
      ['/app:log-stream:overflow', '/app:log-stream:pod-*'],
    ],
    [
      'placeholders beside one another',
      { ...EKS, log_group_name: '/a/{b}{c}/d' },
      ['/a/*/d:log-stream:*', '/a/overflow:log-stream:overflow'],
    ],
    [
      'groups that are allowed',
      { ...EKS, allowed_log_groups: ['/eks/prod-*', '/other/*', '*-x'] },
      ['/eks/*-x:log-stream:*', '/eks/overflow:log-stream:overflow', '/eks/prod-*:log-stream:*'],
    ],
    ['a fixed group that is not allowed', { ...FIXED, allowed_log_groups: ['/b'] }, ['/app:log-stream:overflow']],
    [
      'late events that are diverted',
      { ...FIXED, late_events: { policy: 'divert' } },
      ['/app:log-stream:late', '/app:log-stream:s'],
    ],
    [
      'late events in a group of their own',
      { ...FIXED, late_events: { policy: 'divert', log_group_name: 'l' } },
      ['/app:log-stream:s', 'l:log-stream:late'],
    ],
    [
      'names in the body',
      { ...FIXED, raw_log: true, route_from_body: true, allowed_log_groups: ['/x/*'] },
      ['/app:log-stream:overflow', '/x/*:log-stream:*'],
    ],
    ['a stream with characters of a policy', { ...FIXED, log_stream_name: 'a?$' }, ['/app:log-stream:a${?}${$}']],
  ])('%s', async (_, exporter, expected) => {
    const prefix = 'arn:aws:logs:eu-central-1:*:log-group:'
    const resources = resourcesOf(await policyOf(exporter), 'PutLogEvents')
    expect(resources).toEqual(expected.map((resource) => `${prefix}${resource}`))
  })
})

describe('the place', () => {
  test.each<[string, object, readonly string[], Readonly<Record<string, string>>, string]>([
    ['is any, if nothing is known', { ...EKS, region: '' }, [], {}, 'arn:aws:logs:*:*:'],
    [
      'has the Region of the environment',
      { ...EKS, region: '' },
      [],
      { AWS_REGION: 'eu-west-1' },
      'arn:aws:logs:eu-west-1:*:',
    ],
    [
      'has the Region of the command line',
      EKS,
      ['--region', 'us-gov-west-1'],
      {},
      'arn:aws-us-gov:logs:us-gov-west-1:*:',
    ],
    ['is in China', { ...EKS, region: 'cn-north-1' }, [], {}, 'arn:aws-cn:logs:cn-north-1:*:'],
  ])('%s', async (_, exporter, args, env, prefix) => {
    expect(resourcesOf(await policyOf(exporter, args, env), 'CreateLogGroup')).toEqual([`${prefix}log-group:/eks/*:*`])
  })
})

test('each identity gets a policy: the one that assumes roles, each role in its account, and each profile', async () => {
  const role = (account: string) => `arn:aws:iam::${account}:role/logs`
  const { code, out, err } = await cliWith(
    {
      'awscloudwatchlogs/a': { ...EKS, role_arn: role('111111111111'), external_id: 'x' },
      'awscloudwatchlogs/b': { ...EKS, role_arn: role('222222222222'), region: 'eu-west-1' },
      'awscloudwatchlogs/c': { ...EKS, role_arn: role('111111111111'), log_group_name: '/c' },
      'awscloudwatchlogs/d': { ...EKS, credentials: { access_key_id: 'AKIDSECRETKEY', secret_access_key: 'secret' } },
    },
    ['iam-policy'],
  )
  expect(code).toBe(0)
  const policies = JSON.parse(out) as { identity: string; policy: Printed }[]
  expect(policies.map(({ identity }) => identity)).toEqual([
    'the credentials of the daemon',
    role('111111111111'),
    role('222222222222'),
    'access key …TKEY',
  ])
  expect(policies[0]?.policy.Statement).toMatchObject([
    { Action: ['sts:AssumeRole'], Resource: [role('111111111111'), role('222222222222')] },
  ])
  const put = policies.map(({ policy }) => resourcesOf(policy, 'PutLogEvents'))
  expect(put[1]).toEqual([
    'arn:aws:logs:eu-central-1:111111111111:log-group:/c:log-stream:*',
    'arn:aws:logs:eu-central-1:111111111111:log-group:/eks/*:log-stream:*',
  ])
  expect(put[2]).toEqual(['arn:aws:logs:eu-west-1:222222222222:log-group:/eks/*:log-stream:*'])
  expect(err).toContain(`The trust policy of ${role('111111111111')} must allow sts:AssumeRole`)
  expect(err).toContain('sts:ExternalId')
  expect(`${out}${err}`).not.toContain('AKIDSECRETKEY')
})

test('doctor needs to read and delete its own stream', async () => {
  const fixed = await policyOf({ ...EKS, log_stream_name: 's' }, ['--doctor'])
  const own = 'arn:aws:logs:eu-central-1:*:log-group:/eks/*:log-stream:otlp-cloudwatch-doctor*'
  expect(resourcesOf(fixed, 'GetLogEvents')).toEqual([own])
  expect(resourcesOf(fixed, 'PutLogEvents')).toContain(own)
})

test.each([
  [['--account', '12'], '--account: "12" is not an account id: write its 12 digits'],
  [['--region', 'Frankfurt'], '--region: "Frankfurt" is not a Region: write one such as eu-central-1'],
  [['--exporter', 'b'], '--exporter: "b" is no awscloudwatchlogs exporter of a pipeline: write awscloudwatchlogs'],
])('%j is refused', async (args, message) => {
  const { code, out, err } = await cliWith({ awscloudwatchlogs: EKS }, ['iam-policy', ...args])
  expect([code, out, err]).toEqual([2, '', `${message}\n`])
})

describe('the overlap of two patterns', () => {
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 7 })
  const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 9 })

  test('matches exactly what both match', () => {
    fc.assert(
      fc.property(pattern, pattern, name, (a, b, text) => {
        const both = new Glob(a).matches(text) && new Glob(b).matches(text)
        expect(overlap(a, b).some((one) => new Glob(one).matches(text))).toBe(both)
      }),
      { numRuns: 2_000 },
    )
  })

  test('of long patterns is bounded, and matches at least what both match', () => {
    const [a, b] = ['*ab'.repeat(80), '*ba*'.repeat(80)]
    const patterns = overlap(a, b)
    expect(patterns.length).toBeLessThanOrEqual(32)
    const text = 'ab'.repeat(200)
    expect([a, b].every((one) => new Glob(one).matches(text))).toBe(true)
    expect(patterns.some((one) => new Glob(one).matches(text))).toBe(true)
  })
})

test('a placeholder with alternatives covers its attributes, its metadata, its time and its texts', async () => {
  const policy = await policyOf({
    ...EKS,
    log_group_name: '/eks/{namespace|team:lower|"none"}/{time:%Y/%m}',
    log_stream_name: 'a-{pod|"b"}',
  })
  expect(resourcesOf(policy, 'PutLogEvents')).toContain('arn:aws:logs:eu-central-1:*:log-group:/eks/*/*:log-stream:a-*')
})

test('with route_from_attributes a resource may name any allowed group and any stream', async () => {
  const policy = await policyOf({
    ...EKS,
    log_stream_name: 's',
    route_from_attributes: true,
    allowed_log_groups: ['/eks/*', '/apps/*'],
  })
  expect(resourcesOf(policy, 'PutLogEvents')).toEqual(
    expect.arrayContaining([
      'arn:aws:logs:eu-central-1:*:log-group:/apps/*:log-stream:*',
      'arn:aws:logs:eu-central-1:*:log-group:/eks/*:log-stream:*',
    ]),
  )
})
