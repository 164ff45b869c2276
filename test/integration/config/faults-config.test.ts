// Configs and surroundings that are wrong, with the daemon as a process. Each test names the rows of the table in test/README.md;
// every message about a config stands in test/contract/bad-configs.test.ts.
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { httpSender } from '../daemon/daemon-senders.ts'
import { CLEAN_ENVIRONMENT, configFile, freePort, runToEnd, startDaemon } from '../daemon/daemon.ts'

const PATIENT = { timeout: 20_000, interval: 20 }

async function fileOf(text: string): Promise<string> {
  const folder = await temporaryFolder()
  const file = join(folder, 'bad.yaml')
  await writeFile(file, text)
  return file
}

describe('a wrong config ends the daemon with 2, and names the place (row 50)', () => {
  const bomb = [
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
  ].join('\n')
  const configs: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
    'aliases that come to ten billion values': [bomb, /bad\.yaml:\d+:\d+: .*more than 100000 values/],
    'a key written twice': ['receivers:\n  otlp:\n  otlp:\n', /bad\.yaml:3:3: duplicate key otlp/],
    'a variable that is not set': [
      'exporters:\n  awscloudwatchlogs:\n    region: ${env:OTLP_CLOUDWATCH_NOBODY_SETS_THIS}\n',
      /bad\.yaml:3:13: exporters\.awscloudwatchlogs\.region: .* is not set: set it, or write a default, env:\w+:-text/,
    ],
    'an unknown key': ['exporterz: {}\n', /bad\.yaml:1:1: exporterz: unknown key/],
    'a wrong type': ['receivers: 5\n', /bad\.yaml:1:1: receivers: is not a map/],
    'brackets without end': ['['.repeat(100_000), /bad\.yaml:1:\d+: /],
    'no YAML': ['\0\u0001\u0002: [', /bad\.yaml:1:\d+: /],
  }

  test.for(Object.keys(configs))('%s', async (name) => {
    const [text, says] = configs[name] ?? expect.fail(name)
    const { code, stdout, stderr } = await runToEnd(['--config', await fileOf(text)])
    expect(stderr).toMatch(says)
    expect(stderr).not.toContain('internal error')
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  test('nothing is opened before the whole config is good', async () => {
    const port = await freePort()
    const taken = createServer().listen(port, '127.0.0.1')
    onTestFinished(() => void taken.close())
    const good = await configFile(cloudwatchConfig('http://localhost:1'))
    const { code, stderr } = await runToEnd([
      `--config=${good}`,
      `--set=receivers.otlp.protocols.http.endpoint=127.0.0.1:${port}`,
      '--set=exporters.awscloudwatchlogs.log_retention=2',
    ])
    // Had it begun to listen it would have met the other one first.
    expect(stderr).not.toContain('in use')
    expect(stderr).toContain('log_retention')
    expect(code).toBe(2)
  })
})

describe('its own telemetry (row 54)', () => {
  test('its log of a failing backend does not go through its own pipeline', async () => {
    const local = await startCloudWatchLocal()
    onTestFinished(() => local.close())
    const dead = local.faults.fail(500)
    const daemon = await startDaemon(
      cloudwatchConfig(local.url, {
        exporter: { retry_on_failure: { initial_interval: '5ms', max_interval: '20ms' } },
      }),
      { set: ['service.telemetry.logs.level=debug'] },
    )
    await httpSender(daemon)(recordsRequest({ body: 'a' }))
    await vi.waitUntil(() => dead.hits > 20, PATIENT)
    await daemon.says((log) => log.some(({ level }) => level === 'warn' || level === 'error'))
    expect((await daemon.metrics()).received).toBe(1)
    // Nor is there a line for each of them.
    expect(daemon.log.filter(({ level }) => level === 'warn' || level === 'error').length).toBeLessThan(10)
    dead.off()
    expect(await daemon.stop()).toBe(0)
    expect(local.events().map(({ message }) => message)).toEqual(['{"body":"a"}'])
  })

  test('a daemon keeps running when its log is no longer read', async () => {
    const local = await startCloudWatchLocal()
    onTestFinished(() => local.close())
    const port = await freePort()
    const file = await configFile(cloudwatchConfig(local.url))
    // As in `otlp-cloudwatch 2>&1 | logger`: a real pipe, which breaks with its reader.
    const folder = await temporaryFolder()
    const fifo = join(folder, 'log')
    execFileSync('mkfifo', [fifo])
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const log = openSync(fifo, 'w')
    const child = spawn(
      process.execPath,
      [
        'src/main.ts',
        `--config=${file}`,
        `--set=receivers.otlp.protocols.http.endpoint=127.0.0.1:${port}`,
        '--set=service.telemetry.metrics.level=none',
      ],
      { env: { ...CLEAN_ENVIRONMENT }, stdio: ['ignore', 'ignore', log] },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    closeSync(log)
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
    const listens = () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      )
    await vi.waitUntil(listens, PATIENT)
    closeSync(reader)
    const dead = local.faults.fail(500)
    const send = httpSender({ httpPort: port } as never)
    expect(await send(recordsRequest({ body: 'a' }))).toMatchObject({ kind: 'taken' })
    // It has something to say about each of these.
    await vi.waitUntil(() => dead.hits > 5, PATIENT)
    dead.off()
    expect(await send(recordsRequest({ body: 'b' }))).toMatchObject({ kind: 'taken' })
    await vi.waitUntil(() => local.events().length === 2, PATIENT)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
