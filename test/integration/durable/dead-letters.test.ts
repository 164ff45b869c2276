import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { laterVersion } from '../../unit/delivery/queue/disk/later-version.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { runToEnd, startDaemon, type Daemon } from '../daemon/daemon.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'

/** For the texts and objects of a process, whose bytes are elsewhere. */
const LITTLE_ROOM = { nodeArgs: ['--max-old-space-size=64'] }
const WAIT = { timeout: 60_000, interval: 50 }

async function storageFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-storage-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function durable(endpoint: string, directory: string): object {
  const exporter = { log_group_name: '/app', sending_queue: { storage: 'file_storage' }, gap_markers: true }
  const config = cloudwatchConfig(endpoint, { exporter }) as { extensions: object; service: { extensions: string[] } }
  return {
    ...config,
    extensions: { ...config.extensions, file_storage: { directory } },
    service: { ...config.service, extensions: ['health_check', 'file_storage'] },
  }
}

/** @param lastTime of the last record, ns; by default now, as of all others */
async function send(daemon: Daemon, bodies: readonly string[], lastTime?: bigint): Promise<void> {
  const now = BigInt(Date.now()) * 1_000_000n
  const last = bodies.length - 1
  const records = bodies.map((body, at) => ({ body, time: at === last ? (lastTime ?? now) : now }))
  expect((await postRecords(daemon, ...records)).status).toBe(200)
}

const state = async (daemon: Daemon, name: string) =>
  (await daemon.metrics()).value('otlp_cloudwatch_records', { state: name })

async function letters(args: readonly string[]) {
  const { code, stdout } = await runToEnd(['dead-letters', ...args])
  expect(code).toBe(0)
  return stdout
}

test(
  'an event CloudWatch refuses is kept, listed, shown, and replayed by the daemon and beside a stopped one',
  { timeout: 120_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const directory = await storageFolder()
    const poison = local.faults.poison('poisoned')
    const first = await startDaemon(durable(local.url, directory))
    await send(first, ['good 1'])
    await vi.waitFor(() => expect(local.events().length).toBe(1), WAIT)
    await send(first, ['good 2', 'poisoned a'])
    await vi.waitFor(async () => expect(await state(first, 'dead_lettered')).toBe(1), WAIT)
    await send(first, ['poisoned b', 'good 3'])
    await vi.waitFor(async () => expect(await state(first, 'dead_lettered')).toBe(2), WAIT)
    expect(
      local
        .events()
        .map(({ message }) => (JSON.parse(message) as { body: string }).body)
        .sort(),
    ).toEqual(['good 1', 'good 2', 'good 3'])

    // While the daemon runs, it answers by its socket.
    const listed = await letters(['list', '--directory', directory, '--reason', 'poison'])
    expect(listed.trim().split('\n')).toHaveLength(2)
    expect(listed).toContain('/app  s  1 events  InvalidParameterException')
    expect(await letters(['list', '--directory', directory, '--reason', 'expired'])).toBe('')
    const [shown = ''] = (await letters(['show', '--directory', directory])).split('\n')
    expect(JSON.parse(shown)).toMatchObject({
      group: '/app',
      stream: 's',
      messages: [{ message: '{"body":"poisoned a"}' }],
    })
    const segment = join(directory, 'awscloudwatchlogs', '0000', 'dead-letters', '0000000001.segment')
    expect((await stat(segment)).mode & 0o777).toBe(0o600)

    poison.off()
    const id = (JSON.parse(shown) as { id: string }).id
    expect(await letters(['replay', '--directory', directory, '--id', id])).toBe(
      '1 letters with 1 events were queued again\n',
    )
    await vi.waitFor(() => expect(local.events('/app', 's')).toHaveLength(4), WAIT)
    expect(await state(first, 'dead_lettered')).toBe(1)
    expect((await first.metrics()).value('otlp_cloudwatch_records_unaccounted', {})).toBe(0)

    // Beside a stopped one, the files answer; what is replayed there is sent at the next start.
    expect(await first.stop()).toBe(0)
    expect((await letters(['list', '--directory', directory])).trim().split('\n')).toHaveLength(1)
    expect(await letters(['replay', '--directory', directory, '--to', '/other', '--restamp'])).toContain(
      '1 letters with 1 events',
    )
    const second = await startDaemon(durable(local.url, directory))
    await vi.waitFor(() => expect(local.events('/other', 's')).toHaveLength(1), WAIT)
    const [moved] = local.events('/other', 's')
    expect(JSON.parse(moved?.message ?? '')).toEqual({ original_timestamp: expect.any(Number), body: 'poisoned b' })
    await vi.waitFor(async () => expect(await state(second, 'delivered')).toBe(5), WAIT)
    expect(await state(second, 'dead_lettered')).toBe(0)
    expect((await second.metrics()).value('otlp_cloudwatch_records_unaccounted', {})).toBe(0)
    expect(await second.stop()).toBe(0)
  },
)

/** A daemon that has a record of now, and one of 20 days ago as a dead letter. */
async function daemonWithOldRecord() {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const directory = await storageFolder()
  const daemon = await startDaemon(durable(local.url, directory))
  const longAgo = BigInt(Date.now() - 20 * 86_400_000) * 1_000_000n
  await send(daemon, ['now', 'long ago'], longAgo)
  await vi.waitFor(async () => expect(await state(daemon, 'dead_lettered')).toBe(1), WAIT)
  return { local, directory, daemon, longAgo }
}

test(
  'a record that is too old is kept with a storage, and is in the log when it is replayed under a time of today',
  { timeout: 120_000 },
  async () => {
    const { local, directory, daemon, longAgo } = await daemonWithOldRecord()
    await vi.waitFor(async () => expect(await state(daemon, 'delivered')).toBe(1), WAIT)
    expect(await state(daemon, 'rejected')).toBe(0)
    expect(await letters(['list', '--directory', directory])).toMatch(/ too_old +\/app +s .*more than 14 days ago/)

    await letters(['replay', '--directory', directory, '--reason', 'too_old', '--restamp'])
    await vi.waitFor(async () => expect(await state(daemon, 'delivered')).toBe(2), WAIT)
    expect(local.events().map(({ message }) => JSON.parse(message) as object)).toContainEqual({
      original_timestamp: Number(longAgo / 1_000_000n),
      body: 'long ago',
    })
    expect((await daemon.metrics()).value('otlp_cloudwatch_records_unaccounted', {})).toBe(0)
    expect(await daemon.stop()).toBe(0)
  },
)

// Texts of 108 MB, which as one text are as much again.
test(
  'a daemon of which much is asked at once shows it piece by piece: neither it nor the command has room for all',
  { timeout: 120_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const directory = await storageFolder()
    const daemon = await startDaemon(durable(local.url, directory), LITTLE_ROOM)
    const longAgo = BigInt(Date.now() - 20 * 86_400_000) * 1_000_000n
    const text = 'x'.repeat(900_000)
    for (let n = 1; n <= 120; n++) await send(daemon, [`${n} ${text}`], longAgo)
    await vi.waitFor(async () => expect(await state(daemon, 'dead_lettered')).toBe(120), WAIT)
    const { code, stdout } = await runToEnd(['dead-letters', 'show', '--directory', directory], LITTLE_ROOM)
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 120])
    expect(await daemon.stop()).toBe(0)
  },
)

test(
  'what is wrong with a question or a queue is one line, and the command ends by itself',
  { timeout: 120_000 },
  async () => {
    const { directory, daemon } = await daemonWithOldRecord()
    expect(await runToEnd(['dead-letters', 'list', '--directory', directory, '--since', 'yesterday'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--since: "yesterday" is not a time: .*\n$/),
    })
    expect(await daemon.stop()).toBe(0)
    const segment = join(directory, 'awscloudwatchlogs', '0000', 'dead-letters', '0000000001.segment')
    await laterVersion(segment)
    for (const command of ['list', 'show', 'replay']) {
      const { code, stderr } = await runToEnd(['dead-letters', command, '--directory', directory])
      expect([code, stderr.split('\n')[0]]).toEqual([1, expect.stringContaining(`${segment} has format version 2`)])
      expect(stderr).not.toMatch(/defect|at file:/)
    }
  },
)

test('dead-letters without a directory or a config says what to write', async () => {
  const { code, stderr } = await runToEnd(['dead-letters', 'list'])
  expect([code, stderr]).toEqual([
    2,
    'No queue directory is known: write --directory DIR, or --config FILE with a file_storage.\n',
  ])
})
