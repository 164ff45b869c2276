import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'
import { put } from './tail-command.ts'
import { cliWith, type CliOptions } from './real-cli.ts'

const SECRET = 'the-secret-access-key'
/** Nothing of the machine's own settings. */
const ENV = {
  AWS_ACCESS_KEY_ID: 'AKIDLOCALKEY',
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
}
const NO_KEYS = { ...ENV, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }

interface Reported {
  readonly exporter: string
  readonly step: string
  readonly status: string
  readonly detail: string
  readonly advice?: string
  readonly action?: string
  readonly statement?: { readonly Action: readonly string[]; readonly Resource: readonly string[] }
}

async function local(): Promise<CloudWatchLocal> {
  const started = await startCloudWatchLocal({ accountId: '123456789012' })
  onTestFinished(() => started.close())
  return started
}

async function doctor(exporter: object, args: readonly string[] = [], options: CliOptions = {}) {
  const { code, out, err } = await cliWith(
    { awscloudwatchlogs: { log_group_name: '/app', log_stream_name: '{pod}', region: 'us-east-1', ...exporter } },
    ['doctor', '--json', ...args],
    { env: ENV, ...options },
  )
  expect(`${out}${err}`).not.toContain(SECRET)
  const steps = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Reported)
  return {
    code,
    err,
    steps,
    statusOf: (name: string) =>
      steps
        .filter(({ step }) => step === name)
        .map(({ status }) => status)
        .join(),
  }
}

function deny({ faults }: CloudWatchLocal, operation: string): void {
  const message = `User: arn:aws:iam::123456789012:user/local is not authorized to perform: logs:${operation}`
  faults.error('AccessDeniedException', message, 400, { operation })
}

const stepNamed = (steps: readonly Reported[], name: string) => steps.find(({ step }) => step === name)

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('everything is right: the canary event was written, read back, and is gone with its stream', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, '/app', 'other', ['x'])
  cloudwatch.calls.clear()
  const { code, steps, err } = await doctor({ endpoint: cloudwatch.url, log_retention: 7 })
  expect(steps.map(({ step, status }) => `${step} ${status}`)).toEqual([
    'region ok',
    'endpoint ok',
    'clock ok',
    'credentials ok',
    'identity ok',
    'PutLogEvents ok',
    'CreateLogStream ok',
    'CreateLogGroup ok',
    'PutRetentionPolicy skip',
    'canary ok',
    'canary read ok',
    'canary removal ok',
  ])
  expect([code, err]).toEqual([0, ''])
  expect(stepNamed(steps, 'identity')?.detail).toBe('arn:aws:iam::123456789012:user/local')
  expect(stepNamed(steps, 'credentials')?.detail).toMatch(/^access key …LKEY of the environment/)
  const written = cloudwatch.calls.all.filter(
    ({ operation, outcome, stream }) =>
      operation === 'PutLogEvents' && outcome === 'ok' && stream?.startsWith('otlp-cloudwatch-doctor-') === true,
  )
  expect(written).toHaveLength(1)
  const [group] = cloudwatch.store.groups.values()
  expect([...(group?.streams.keys() ?? [])]).toEqual(['other'])
  expect(group?.retentionInDays).toBe(undefined)
  expect(cloudwatch.events().map(({ message }) => message)).toEqual(['x'])
})

test('people see a line for each step, and an instruction under what is wrong', async () => {
  const cloudwatch = await local()
  deny(cloudwatch, 'PutLogEvents')
  const { code, out } = await cliWith(
    {
      awscloudwatchlogs: {
        log_group_name: '/app',
        log_stream_name: 's',
        region: 'us-east-1',
        endpoint: cloudwatch.url,
      },
    },
    ['doctor'],
    { env: ENV },
  )
  expect(code).toBe(1)
  expect(out).toMatch(/^exporter awscloudwatchlogs\nok {4}region {14}us-east-1$/m)
  expect(out).toMatch(
    /^fail {2}PutLogEvents {8}AccessDeniedException: .*\n {26}-> allow logs:PutLogEvents: .*\n {29}\{"Sid":"PutLogEvents"/m,
  )
})

describe('an action that is denied is named, with its statement', () => {
  const arn = 'arn:aws:logs:us-east-1:123456789012:log-group:/app'
  test.each<[string, object, string, string]>([
    ['PutLogEvents', {}, 'logs:PutLogEvents', `${arn}:log-stream:*`],
    ['CreateLogStream', {}, 'logs:CreateLogStream', `${arn}:*`],
    ['CreateLogGroup', {}, 'logs:CreateLogGroup', `${arn}:*`],
  ])('%s', async (operation, exporter, action, resource) => {
    const cloudwatch = await local()
    await put(cloudwatch, '/app', 'other', ['x'])
    deny(cloudwatch, operation)
    const { code, steps } = await doctor({ endpoint: cloudwatch.url, ...exporter })
    expect(code).toBe(1)
    const failed = steps.filter(({ status }) => status === 'fail')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed[0]).toMatchObject({ step: operation, action, statement: { Action: [action], Resource: [resource] } })
    expect(failed[0]?.advice).toContain(`allow ${action}`)
  })

  test('TagResource, which CreateLogGroup with tags needs', async () => {
    const cloudwatch = await local()
    await put(cloudwatch, '/app', 'other', ['x'])
    const message = 'User with accountId: 123456789012 is not authorized to perform CreateLogGroup with Tags'
    cloudwatch.faults.error('AccessDeniedException', message, 400, { operation: 'CreateLogGroup' })
    const { steps } = await doctor({ endpoint: cloudwatch.url, tags: { team: 'a' } })
    expect(stepNamed(steps, 'CreateLogGroup')).toMatchObject({
      status: 'fail',
      action: 'logs:TagResource',
      statement: { Resource: [arn] },
    })
  })

  test('PutRetentionPolicy, on a group that does not exist', async () => {
    const cloudwatch = await local()
    deny(cloudwatch, 'PutRetentionPolicy')
    const exporter = { log_group_name: '/eks/{ns}', log_retention: 7, endpoint: cloudwatch.url }
    const { steps } = await doctor(exporter)
    expect(stepNamed(steps, 'PutRetentionPolicy')).toMatchObject({ status: 'fail', action: 'logs:PutRetentionPolicy' })
    expect(cloudwatch.store.groups.size).toBe(0)
  })

  test.each(['GetLogEvents', 'DeleteLogStream'])('%s, which only doctor needs, is a warning', async (operation) => {
    const cloudwatch = await local()
    await put(cloudwatch, '/app', 'other', ['x'])
    deny(cloudwatch, operation)
    const { code, steps } = await doctor({ endpoint: cloudwatch.url })
    expect(code).toBe(0)
    const [warning] = steps.filter(({ status }) => status === 'warn')
    expect(warning).toMatchObject({ action: `logs:${operation}` })
    if (operation === 'DeleteLogStream')
      expect(warning?.detail).toMatch(/^the stream otlp-cloudwatch-doctor-\w+ stays in \/app/)
  })
})

test('a group that is missing is created only with --create-group, as the daemon would', async () => {
  const cloudwatch = await local()
  const exporter = { endpoint: cloudwatch.url, log_retention: 7, tags: { team: 'a' } }
  const without = await doctor(exporter)
  expect(without.code).toBe(0)
  expect(without.statusOf('CreateLogGroup')).toBe('skip')
  expect(stepNamed(without.steps, 'canary')).toMatchObject({
    status: 'skip',
    detail: 'not written: the log group /app does not exist',
    advice: 'write --group with a group that exists, or --create-group',
  })
  expect(cloudwatch.store.groups.size).toBe(0)
  const created = await doctor(exporter, ['--create-group'])
  expect(created.code).toBe(0)
  expect([
    created.statusOf('CreateLogGroup'),
    created.statusOf('PutRetentionPolicy'),
    created.statusOf('canary read'),
  ]).toEqual(['ok', 'ok', 'ok'])
  expect(cloudwatch.store.groups.get('/app')).toMatchObject({ retentionInDays: 7, tags: new Map([['team', 'a']]) })
})

test('--group writes the canary event into another group', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, '/other', 's', ['x'])
  const { code, steps } = await doctor({ log_group_name: '/eks/{ns}', endpoint: cloudwatch.url }, ['--group', '/other'])
  expect(code).toBe(0)
  expect(stepNamed(steps, 'canary')?.detail).toContain('/other')
})

describe('the endpoint', () => {
  test('nothing listens there', async () => {
    const cloudwatch = await local()
    await cloudwatch.down()
    const { code, steps } = await doctor({ endpoint: cloudwatch.url })
    expect(code).toBe(1)
    expect(stepNamed(steps, 'endpoint')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining('ECONNREFUSED') as string,
      advice: expect.stringContaining('nothing listens there') as string,
    })
    expect(steps.at(-1)?.step).toBe('identity')
  })

  test('something else answers', async () => {
    const page = await serve(
      (_, response) => void response.writeHead(302, { location: 'https://login.example/?token=x' }).end(),
    )
    const { code, steps } = await doctor({ endpoint: page })
    expect(code).toBe(1)
    expect(stepNamed(steps, 'endpoint')?.detail).toContain('CloudWatch never redirects')
  })

  test('its certificate is not trusted', async () => {
    const plain = await serve((_, response) => void response.end())
    const { steps } = await doctor({ endpoint: plain.replace('http:', 'https:') })
    expect(stepNamed(steps, 'endpoint')).toMatchObject({
      status: 'fail',
      advice: expect.stringContaining('TLS failed') as string,
    })
  })

  test('no answer comes: the wait is bounded, and announced', async () => {
    const silent = await serve(() => {})
    const { code, steps, err } = await doctor({ endpoint: silent }, ['--timeout', '3'])
    expect(code).toBe(1)
    expect(stepNamed(steps, 'endpoint')).toMatchObject({
      status: 'fail',
      detail: 'no answer in 3 s',
      advice: expect.stringContaining('security group') as string,
    })
    expect(err).toContain('endpoint: waiting for an answer, at most 3 s')
  })

  test('a proxy is named by its setting, without any part of its URL, also where it fails', async () => {
    const proxy = await serve((_, response) => void response.writeHead(407, { 'content-type': 'text/html' }).end())
    const address = proxy.replace('http://', `http://user:${SECRET}@`)
    const { steps } = await doctor({ endpoint: 'http://logs.example', proxy_address: address })
    expect(stepNamed(steps, 'endpoint')?.detail).toContain('through the proxy of proxy_address: ')
    expect(stepNamed(steps, 'endpoint')?.detail).toContain('a proxy requires a user and password')
  })

  test('its clock differs', async () => {
    const ahead = await serve((_, response) => {
      response.setHeader('date', new Date(Date.now() + 600_000).toUTCString())
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r' }).end('{}')
    })
    const { steps } = await doctor({ endpoint: ahead })
    expect(stepNamed(steps, 'clock')).toMatchObject({
      status: 'warn',
      detail: expect.stringMatching(
        /^the clock of this machine is (?:599|600|601) s behind that of the endpoint; AWS refuses/,
      ) as string,
      advice: expect.stringContaining('NTP') as string,
    })
  })
})

describe('credentials', () => {
  test('that AWS refuses', async () => {
    const cloudwatch = await local()
    cloudwatch.faults.error('InvalidClientTokenId', 'The security token included in the request is invalid.', 403, {
      operation: 'GetCallerIdentity',
    })
    const { code, steps } = await doctor({ endpoint: cloudwatch.url })
    expect(code).toBe(1)
    expect(steps.at(-1)).toMatchObject({
      step: 'identity',
      status: 'fail',
      detail: expect.stringContaining('InvalidClientTokenId') as string,
    })
    expect(cloudwatch.calls.count('PutLogEvents')).toBe(0)
  })

  test('whose owner STS does not name are tried anyway', async () => {
    const cloudwatch = await local()
    await put(cloudwatch, '/app', 'other', ['x'])
    deny(cloudwatch, 'GetCallerIdentity')
    const { code, statusOf } = await doctor({ endpoint: cloudwatch.url })
    expect([code, statusOf('identity'), statusOf('canary read')]).toEqual([0, 'warn', 'ok'])
  })

  test('that are missing, with instance metadata turned off', async () => {
    const cloudwatch = await local()
    const { code, steps } = await doctor({ endpoint: cloudwatch.url }, [], { env: NO_KEYS })
    expect(code).toBe(1)
    expect(steps.slice(-2)).toMatchObject([
      { step: 'credentials', status: 'fail', advice: expect.stringContaining('give the daemon a role') as string },
      { step: 'instance metadata', status: 'skip', detail: 'AWS_EC2_METADATA_DISABLED turns instance metadata off' },
    ])
  })

  test.each<[string, RequestListener, string, string]>([
    [
      'the token does not come back over the hop limit',
      (request, response) => {
        if (request.method !== 'PUT') response.writeHead(401).end()
      },
      'its token does not arrive: the hop limit of the instance is 1',
      '--http-put-response-hop-limit 2',
    ],
    ['nothing answers', () => {}, 'does not answer', 'Pod Identity, IRSA'],
    [
      'it is turned off',
      (_, response) => void response.writeHead(403).end(),
      'refuses a token with 403',
      '--http-endpoint enabled',
    ],
    [
      'the instance has no role',
      (request, response) => void (request.method === 'PUT' ? response.end('token') : response.writeHead(404).end()),
      'the instance has no role',
      'attach an instance profile',
    ],
  ])('that instance metadata does not give: %s', async (_, listener, detail, advice) => {
    const cloudwatch = await local()
    const metadata = await serve(listener)
    const env = { ...NO_KEYS, AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata }
    // The SDK's own chain reads the variables of the process.
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    onTestFinished(() => void vi.unstubAllEnvs())
    const { code, steps } = await doctor({ endpoint: cloudwatch.url }, ['--timeout', '5'], { env })
    expect(code).toBe(1)
    expect(steps.at(-1)).toMatchObject({
      step: 'instance metadata',
      status: 'fail',
      detail: expect.stringContaining(detail) as string,
      advice: expect.stringContaining(advice) as string,
    })
  })
})

test('Ctrl-C ends a wait, and the stream of the canary event is removed', async () => {
  const cloudwatch = await local()
  await put(cloudwatch, '/app', 'other', ['x'])
  const stop = Promise.withResolvers<void>()
  cloudwatch.faults.slow(600_000, {
    operation: 'GetLogEvents',
    when: () => {
      stop.resolve()
      return true
    },
  })
  const { code, err } = await doctor({ endpoint: cloudwatch.url }, [], { stopRequested: stop.promise })
  expect([code, err]).toEqual([1, 'stopped\n'])
  expect(cloudwatch.calls.count('DeleteLogStream', 'ok')).toBe(1)
  expect([...(cloudwatch.store.groups.get('/app')?.streams.keys() ?? [])]).toEqual(['other'])
})

test.each([
  [['--group', 'a b'], '--group: "a b" has " ": a log group name holds letters, digits and . - _ / #'],
  [['--group', '/{x}'], '--group: "/{x}" has a placeholder: write one fixed name'],
  [['--timeout', '0'], '--timeout: "0" is not a number of seconds: write one from 1 to 300'],
  [['--exporter', 'b'], '--exporter: "b" is no awscloudwatchlogs exporter of a pipeline: write awscloudwatchlogs'],
])('%j is refused', async (args, message) => {
  const { code, err, steps } = await doctor({}, args)
  expect([code, err, steps]).toEqual([2, `${message}\n`, []])
})

test('a Region that is not known is named', async () => {
  const { code, steps } = await doctor({ region: '' })
  expect(code).toBe(1)
  expect(steps).toMatchObject([
    { step: 'settings', status: 'fail', detail: expect.stringContaining('region: none is set') as string },
  ])
})
