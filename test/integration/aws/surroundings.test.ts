// The daemon in the surroundings that platforms give it: signals, users, directories, variables.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { configFile, type Daemon, runToEnd, startDaemon } from '../daemon/daemon.ts'
import { startTls, TLS } from './proxies.ts'

const PATIENT = { timeout: 30_000, interval: 20 }
const SOON = { retry_on_failure: { initial_interval: '20ms', max_interval: '200ms' } }

async function localCloudWatch(): Promise<CloudWatchLocal> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  return local
}

async function delivered(daemon: Daemon, records: number): Promise<void> {
  await vi.waitFor(async () => {
    const metrics = await daemon.metrics()
    expect(metrics.value('otlp_cloudwatch_records', { state: 'delivered' })).toBe(records)
  }, PATIENT)
}

/** A uid that has no line in /etc/passwd. */
const STRANGER = '54321'

function canBeStranger(): boolean {
  if (process.getuid?.() !== 0) return false
  try {
    execFileSync('setpriv', ['--reuid', STRANGER, '--clear-groups', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test.skipIf(!canBeStranger())('a process whose uid has no passwd entry and no HOME delivers', async () => {
  const local = await localCloudWatch()
  const config = await configFile(cloudwatchConfig(local.url))
  execFileSync('chmod', ['-R', 'a+rX', join(config, '..')])
  const through = ['setpriv', '--reuid', STRANGER, '--regid', STRANGER, '--clear-groups', 'env', '-u', 'HOME']
  const daemon = await startDaemon(config, { through })
  await postRecords(daemon, { body: 'a' })
  await delivered(daemon, 1)
  expect(await daemon.stop()).toBe(0)
})

/**
 * Serves credentials as a container's agent does.
 * @param asked called with the authorization of each request
 */
async function credentialServer(
  credentials: { readonly AccessKeyId: string; readonly Token: string },
  asked: (authorization: string | undefined) => void = () => {},
): Promise<string> {
  const server = createServer(({ headers }, response) => {
    asked(headers.authorization)
    const Expiration = new Date(Date.now() + 3_600_000).toISOString()
    response.end(JSON.stringify({ ...credentials, SecretAccessKey: 's', Expiration }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a put that cannot be sent is a wrong setting, not a network fault or a possible duplicate', async () => {
  const local = await localCloudWatch()
  const url = await credentialServer({ AccessKeyId: 'AKID\nX', Token: 't\n' })
  const env = { AWS_ACCESS_KEY_ID: '', AWS_CONTAINER_CREDENTIALS_FULL_URI: url }
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter: SOON }), { env })
  await postRecords(daemon, { body: 'a' })
  await daemon.says((log) => log.some(({ reason }) => reason === 'configuration'))
  expect(daemon.log.filter(({ reason }) => reason === 'network')).toEqual([])
  const metrics = await daemon.metrics()
  expect(metrics.value('otlp_cloudwatch_possible_duplicates')).toBe(0)
  expect(metrics.value('otlp_cloudwatch_records', { state: 'queued' })).toBe(1)
})

test('variables that the AWS SDK reads by itself lose the line break of their Secret', async () => {
  const local = await localCloudWatch()
  const asked: (string | undefined)[] = []
  const url = await credentialServer({ AccessKeyId: 'AKIDPOD', Token: 't' }, (header) => asked.push(header))
  const env = {
    AWS_ACCESS_KEY_ID: '',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}\n`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: ' token\r\n',
  }
  const daemon = await startDaemon(cloudwatchConfig(local.url), { env })
  await postRecords(daemon, { body: 'a' })
  await delivered(daemon, 1)
  expect(asked[0]).toBe('token')
  expect(local.calls.all.at(-1)?.accessKeyId).toBe('AKIDPOD')
})

test('certificate_file_path is trusted in addition to NODE_EXTRA_CA_CERTS', async () => {
  const local = await localCloudWatch()
  const endpoint = await startTls(local.url)
  const config = cloudwatchConfig(endpoint, { exporter: { certificate_file_path: `${TLS}other-ca.pem` } })
  const daemon = await startDaemon(config, { env: { NODE_EXTRA_CA_CERTS: `${TLS}ca.pem` } })
  await postRecords(daemon, { body: 'a' })
  await delivered(daemon, 1)
})

/** Whether a process listens where Node's debugger would. */
function debuggerListens(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(9229, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

test.each([1, 2])(
  'signals of a daemon of %i processes: HUP, USR1 and USR2 are ignored, QUIT drains',
  async (workers) => {
    const local = await localCloudWatch()
    const daemon = await startDaemon(cloudwatchConfig(local.url, { service: { workers } }))
    const children = workers === 1 ? [] : await daemon.workers()
    const pids = [daemon.pid, ...children]
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const)
      for (const pid of pids) process.kill(pid, signal)
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'])
      await daemon.says(
        (log) =>
          new Set(log.filter(({ msg }) => msg.startsWith(`${signal} is ignored: `)).map(({ pid }) => pid)).size ===
          pids.length,
      )
    expect(daemon.stderr).not.toContain('Debugger listening')
    expect(await debuggerListens()).toBe(false)
    await postRecords(daemon, { body: 'a' })
    // A terminal sends its signals to every process of the group.
    for (const pid of pids) process.kill(pid, 'SIGQUIT')
    await daemon.ended
    expect(daemon.code).toBe(0)
    expect(local.events()).toHaveLength(1)
    expect(daemon.log.filter(({ msg }) => /a worker exited/.test(msg))).toEqual([])
  },
)

test.each([
  [{ AWS_DEFAULT_REGION: 'eu-west-1' }, 0, 'is valid'],
  [{}, 2, 'exporter awscloudwatchlogs: region: none is set: write region, or set AWS_REGION'],
  [{ AWS_REGION: 'eu\nwest' }, 2, 'exporter awscloudwatchlogs: AWS_REGION: has a line break'],
  [{ AWS_REGION: 'eu-west-1', AWS_CA_BUNDLE: '/none.pem' }, 2, 'AWS_CA_BUNDLE: /none.pem cannot be read'],
  [
    { AWS_REGION: 'eu-west-1', HTTPS_PROXY: 'socks5://u:c4n4ry@p' },
    2,
    'HTTPS_PROXY: socks5:// proxies are not supported',
  ],
  [{ AWS_REGION: 'eu-west-1', AWS_EC2_METADATA_DISABLED: '' }, 0, 'is valid'],
  [
    { AWS_EC2_METADATA_DISABLED: '' },
    0,
    'region: none is set: the profile and instance metadata are queried for it at start',
  ],
] as const)('with %j validate ends with %i, as a start would', async (env, code, says) => {
  const local = await localCloudWatch()
  const config = await configFile(cloudwatchConfig(local.url, { exporter: { region: '' } }))
  const checked = await runToEnd(['validate', '--config', config], { env })
  expect(`${checked.stdout}${checked.stderr}`).toContain(says)
  expect(`${checked.stdout}${checked.stderr}`).not.toContain('c4n4ry')
  expect(checked.code).toBe(code)
  if (code === 0) return
  const started = await runToEnd(['--config', config], { env })
  expect(started.code).toBe(1)
  expect(started.stderr).toContain(says)
  expect(started.stderr).not.toContain('c4n4ry')
})

test.each([
  ['~/queue', {}, 'is not expanded here: write the whole path, or ${env:HOME} for the home directory'],
  ['$HOME/queue', {}, 'is not expanded here'],
  ['FOLDER/missing', {}, 'does not exist: create it, or write create_directory: true'],
  ['FOLDER/file', {}, 'is not a directory'],
  ['FOLDER/file/below', {}, 'has a parent that is not a directory'],
  ['FOLDER/file/below', { create_directory: true }, 'a parent that is not a directory'],
  ['FOLDER/there', {}, undefined],
  ['FOLDER/missing/deep', { create_directory: true }, undefined],
] as const)('file_storage.directory %s, %j: validate and start agree', async (written, more, says) => {
  const root = await temporaryFolder()
  await mkdir(join(root, 'there'))
  await writeFile(join(root, 'file'), '')
  const local = await localCloudWatch()
  const config = cloudwatchConfig(local.url, { exporter: { sending_queue: { storage: 'file_storage' } } }) as {
    extensions: Record<string, object>
    service: { extensions: string[] }
  }
  config.extensions['file_storage'] = { directory: written.replace('FOLDER', root), ...more }
  config.service.extensions.push('file_storage')
  const file = await configFile(config)
  const { code, stderr } = await runToEnd(['validate', '--config', file])
  if (says === undefined) {
    expect(code, stderr).toBe(0)
    return
  }
  expect(stderr).toContain(says)
  expect(code).toBe(2)
  const started = await runToEnd(['--config', file])
  expect(started.stderr).toContain(says)
  expect(started.code).toBeGreaterThan(0)
})

test('a config for the collector’s flags runs: --feature-gates is accepted, with a warning that it has no effect', async () => {
  const local = await localCloudWatch()
  const config = await configFile(cloudwatchConfig(local.url))
  const { code, stderr } = await runToEnd(['validate', '--config', config, '--feature-gates', '-a.b,+c.d'])
  expect(stderr).toBe(
    '--feature-gates: ignored: -a.b, +c.d: these are gates of the Go collector; this daemon has none\n',
  )
  expect(code).toBe(0)
})

test('a shutdown_timeout that no timer can hold still drains', async () => {
  const local = await localCloudWatch()
  const daemon = await startDaemon(
    cloudwatchConfig(local.url, { exporter: { flush_interval: '20s' }, service: { shutdown_timeout: '1000h' } }),
  )
  await postRecords(daemon, { body: 'a' })
  expect(await daemon.stop()).toBe(0)
  expect(local.events()).toHaveLength(1)
  expect(daemon.stderr).not.toMatch(/TimeoutOverflowWarning|TimeoutNegativeWarning/)
})
