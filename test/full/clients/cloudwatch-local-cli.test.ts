// The AWS CLI as people use it: version 1 from PyPI, and version 2, which alone has `logs tail`, if this machine has it.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { callCloudWatch } from '../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { pythonTools } from '../../integration/clients/python.ts'

const execute = promisify(execFile)

/** Nothing of the machine's own AWS settings. */
const ENVIRONMENT = {
  PATH: process.env.PATH,
  AWS_ACCESS_KEY_ID: 'AKIDTEST',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_DEFAULT_REGION: 'eu-west-1',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PAGER: '',
  NO_PROXY: 'localhost,127.0.0.1',
}

const python = await pythonTools()
const version2 = await findVersion2()

let local: CloudWatchLocal
beforeEach(async () => {
  local = await startCloudWatchLocal()
})
afterEach(() => local.close())

const put = (message: string, timestamp = Date.now()) =>
  callCloudWatch(local.url, 'PutLogEvents', {
    logGroupName: '/demo/app',
    logStreamName: 'pod-1',
    logEvents: [{ timestamp, message }],
  })

/** `aws logs ...` at the local endpoint. */
async function logs(aws: string, ...args: string[]): Promise<unknown> {
  const options = ['--endpoint-url', local.url, '--output', 'json', 'logs', ...args]
  const { stdout } = await execute(aws, options, { env: ENVIRONMENT })
  return stdout === '' ? undefined : JSON.parse(stdout)
}

async function createsPutsAndReads(aws: string): Promise<void> {
  const names = ['--log-group-name', '/demo/app', '--log-stream-name', 'pod-1']
  const time = Date.now()
  await logs(aws, 'create-log-group', '--log-group-name', '/demo/app', '--tags', 'team=a')
  await logs(aws, 'create-log-stream', ...names)
  await logs(
    aws,
    'put-log-events',
    ...names,
    '--log-events',
    JSON.stringify([{ timestamp: time, message: 'hällo "x"' }]),
  )
  expect(await logs(aws, 'describe-log-groups')).toMatchObject({ logGroups: [{ logGroupName: '/demo/app' }] })
  expect(await logs(aws, 'get-log-events', ...names)).toMatchObject({
    events: [{ timestamp: time, message: 'hällo "x"' }],
  })
  expect(
    await logs(aws, 'filter-log-events', '--log-group-name', '/demo/app', '--filter-pattern', 'nothing'),
  ).toMatchObject({ events: [] })
  await expect(logs(aws, 'create-log-group', '--log-group-name', '/demo/app')).rejects.toMatchObject({
    stderr: expect.stringContaining('ResourceAlreadyExistsException'),
  })
}

describe.skipIf(python.missing !== undefined)(`AWS CLI 1 ${python.missing ?? ''}`, () => {
  test('creates, puts and reads', () => createsPutsAndReads(python.tool('aws')))
})

describe.skipIf(version2 === undefined)(
  `AWS CLI 2${version2 === undefined ? ' (skipped: no aws of version 2 on PATH)' : ''}`,
  () => {
    const aws = version2 ?? ''

    test('creates, puts and reads', () => createsPutsAndReads(aws))

    test('logs tail shows what is there', async () => {
      await createDemo()
      await put('first', Date.now() - 60_000)
      await put('second')
      const args = ['--endpoint-url', local.url, 'logs', 'tail', '/demo/app', '--since', '1h', '--format', 'short']
      const { stdout } = await execute(aws, args, { env: ENVIRONMENT })
      expect(stdout).toMatch(/^\S+ first\n\S+ second\n$/)
    })

    test('logs tail --follow shows what comes, each event once', async () => {
      await createDemo()
      await put('there before')
      const args = ['--endpoint-url', local.url, 'logs', 'tail', '/demo/app', '--follow', '--format', 'short']
      const tail = spawn(aws, args, {
        env: { ...ENVIRONMENT, PYTHONUNBUFFERED: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(tail, 'exit')
      let shown = ''
      tail.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text
      })
      try {
        const sees = (message: string) => vi.waitFor(() => expect(shown).toContain(message), { timeout: 60_000 })
        await sees('there before')
        await put('came later')
        await sees('came later')
        await put('came last')
        await sees('came last')
        expect(shown.match(/there before|came later|came last/g)).toEqual(['there before', 'came later', 'came last'])
      } finally {
        tail.kill('SIGINT')
        await ended
      }
    }, 90_000)
  },
)

async function createDemo(): Promise<void> {
  await callCloudWatch(local.url, 'CreateLogGroup', { logGroupName: '/demo/app' })
  await callCloudWatch(local.url, 'CreateLogStream', { logGroupName: '/demo/app', logStreamName: 'pod-1' })
}

/** The first `aws` on the PATH that is version 2. */
async function findVersion2(): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const aws = join(directory, 'aws')
    const version = await execute(aws, ['--version']).catch(() => undefined) // none here
    if (version?.stdout.startsWith('aws-cli/2.')) return aws
  }
  return undefined
}
