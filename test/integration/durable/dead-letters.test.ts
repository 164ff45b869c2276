import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { laterVersion } from '../../unit/delivery/queue/disk/later-version.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { runToEnd, startDaemon, type Daemon } from '../daemon/daemon.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'

/** MiB of heap for strings and objects; buffers are outside of it. */
const SMALL_HEAP = { nodeArgs: ['--max-old-space-size=64'] }
/** Of dead letters, below the directory of the storage. */
const FIRST_SEGMENT = join('awscloudwatchlogs', '0000', 'dead-letters', '0000000001.segment')
const WAIT = { timeout: 60_000, interval: 50 }

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

/** A daemon that delivered `good 1`, `good 2` and `good 3`, and has `poisoned a` and `poisoned b` as dead letters. */
async function daemonWithPoison() {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const directory = await temporaryFolder()
  const poison = local.faults.poison('poisoned')
  const daemon = await startDaemon(durable(local.url, directory))
  // CloudWatch refuses a whole put. The group has to be known to work before an event in it counts as poison.
  await send(daemon, ['good 1'])
  await vi.waitFor(() => expect(local.events().length).toBe(1), WAIT)
  await send(daemon, ['good 2', 'poisoned a'])
  await vi.waitFor(async () => expect(await state(daemon, 'dead_lettered')).toBe(1), WAIT)
  await send(daemon, ['poisoned b', 'good 3'])
  await vi.waitFor(async () => expect(await state(daemon, 'dead_lettered')).toBe(2), WAIT)
  return { local, directory, poison, daemon }
}

const unaccounted = async (daemon: Daemon) => (await daemon.metrics()).value('otlp_cloudwatch_records_unaccounted', {})

test('an event CloudWatch refuses is kept, and a running daemon lists and shows it', { timeout: 120_000 }, async () => {
  const { local, directory, daemon } = await daemonWithPoison()
  const bodies = local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body)
  expect(bodies.sort()).toEqual(['good 1', 'good 2', 'good 3'])

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
  expect((await stat(join(directory, FIRST_SEGMENT))).mode & 0o777).toBe(0o600)
  expect(await daemon.stop()).toBe(0)
})

test('a running daemon replays one letter, which CloudWatch now accepts', { timeout: 120_000 }, async () => {
  const { local, directory, poison, daemon } = await daemonWithPoison()
  poison.off()
  const [shown = ''] = (await letters(['show', '--directory', directory])).split('\n')
  const { id } = JSON.parse(shown) as { id: string }
  expect(await letters(['replay', '--directory', directory, '--id', id])).toBe(
    '1 letters with 1 events were queued again\n',
  )
  await vi.waitFor(() => expect(local.events('/app', 's')).toHaveLength(4), WAIT)
  expect([await state(daemon, 'dead_lettered'), await unaccounted(daemon)]).toEqual([1, 0])
  expect(await daemon.stop()).toBe(0)
  expect((await letters(['list', '--directory', directory])).trim().split('\n')).toHaveLength(1)
})

test(
  'letters replayed beside a stopped daemon, to another group under a new time, are sent at its next start',
  { timeout: 120_000 },
  async () => {
    const { local, directory, poison, daemon } = await daemonWithPoison()
    expect(await daemon.stop()).toBe(0)
    poison.off()
    expect(await letters(['replay', '--directory', directory, '--to', '/other', '--restamp'])).toContain(
      '2 letters with 2 events',
    )
    const next = await startDaemon(durable(local.url, directory))
    await vi.waitFor(() => expect(local.events('/other', 's')).toHaveLength(2), WAIT)
    expect(local.events('/other', 's').map(({ message }) => JSON.parse(message) as object)).toEqual([
      { original_timestamp: expect.any(Number), body: 'poisoned a' },
      { original_timestamp: expect.any(Number), body: 'poisoned b' },
    ])
    await vi.waitFor(async () => expect(await state(next, 'delivered')).toBe(5), WAIT)
    expect([await state(next, 'dead_lettered'), await unaccounted(next)]).toEqual([0, 0])
    expect(await next.stop()).toBe(0)
  },
)

/** A daemon that has a record of now, and one of 20 days ago as a dead letter. */
async function daemonWithOldRecord() {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const directory = await temporaryFolder()
  const daemon = await startDaemon(durable(local.url, directory))
  const longAgo = BigInt(Date.now() - 20 * 86_400_000) * 1_000_000n
  await send(daemon, ['now', 'long ago'], longAgo)
  await vi.waitFor(async () => expect(await state(daemon, 'dead_lettered')).toBe(1), WAIT)
  return { local, directory, daemon, longAgo }
}

test(
  'a record that is too old is kept as a dead letter, and can be replayed under a current time',
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
    expect(await unaccounted(daemon)).toBe(0)
    expect(await daemon.stop()).toBe(0)
  },
)

test(
  'a daemon returns many letters in pieces: neither it nor the command has room for all',
  { timeout: 120_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const directory = await temporaryFolder()
    const daemon = await startDaemon(durable(local.url, directory), SMALL_HEAP)
    const longAgo = BigInt(Date.now() - 20 * 86_400_000) * 1_000_000n
    const text = 'x'.repeat(900_000)
    // 81 MB in all, more than the heap of either process.
    for (let n = 1; n <= 90; n++) await send(daemon, [`${n} ${text}`], longAgo)
    await vi.waitFor(async () => expect(await state(daemon, 'dead_lettered')).toBe(90), WAIT)
    const { code, stdout } = await runToEnd(['dead-letters', 'show', '--directory', directory], SMALL_HEAP)
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 90])
    expect(await daemon.stop()).toBe(0)
  },
)

test(
  'a wrong query or queue is reported in one line, and the command ends by itself',
  { timeout: 120_000 },
  async () => {
    const { directory, daemon } = await daemonWithOldRecord()
    expect(await runToEnd(['dead-letters', 'list', '--directory', directory, '--since', 'yesterday'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--since: "yesterday" is not a time: .*\n$/),
    })
    expect(await daemon.stop()).toBe(0)
    const segment = join(directory, FIRST_SEGMENT)
    await laterVersion(segment)
    for (const command of ['list', 'show', 'replay']) {
      const { code, stderr } = await runToEnd(['dead-letters', command, '--directory', directory])
      expect([code, stderr.split('\n')[0]]).toEqual([1, expect.stringContaining(`${segment} has format version 2`)])
      expect(stderr).not.toMatch(/defect|at file:/)
    }
  },
)

test('dead-letters without a directory or a config names the options', async () => {
  const { code, stderr } = await runToEnd(['dead-letters', 'list'])
  expect([code, stderr]).toEqual([
    2,
    'No queue directory is known: write --directory DIR, or --config FILE with a file_storage.\n',
  ])
})
