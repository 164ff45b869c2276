// The daemon on a disk whose syncs fail, or do not come back.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { type SickDisk, sickDisk } from '../../fakes/disk/sick-disk.ts'
import { durableConfig } from './crash-rounds.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { configFile, type Daemon, runToEnd, startDaemon } from '../daemon/daemon.ts'

const WITHIN = { timeout: 60_000, interval: 50 }

async function setup(): Promise<{ local: CloudWatchLocal; disk: SickDisk; config: object }> {
  const local = await startCloudWatchLocal({ quotas: false })
  const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-storage-'))
  const disk = await sickDisk()
  onTestFinished(async () => {
    await disk.close()
    await rm(directory, { recursive: true, force: true })
    await local.close()
  })
  return { local, disk, config: durableConfig(local.url, directory) }
}

/** A daemon that waits for CloudWatch, with the acknowledged record `before` in its queue. It has 1 s to shut down. */
async function waitingDaemon() {
  const { local, disk, config } = await setup()
  local.faults.fail(503)
  const daemon = await startDaemon(config, { ...disk.options, set: ['service.shutdown_timeout=1s'] })
  expect(await send(daemon, 'before')).toBe(200)
  return { local, disk, config, daemon }
}

/** Starts the next daemon on the same queue, with a CloudWatch that works, and waits until `before` is stored. */
async function nextDelivers({ local, disk, config }: Awaited<ReturnType<typeof setup>>): Promise<Daemon> {
  local.faults.clear()
  const next = await startDaemon(config, disk.options)
  await vi.waitFor(() => expect(stored(local)).toContain('before'), WITHIN)
  return next
}

/** @returns the status of the answer */
async function send(daemon: Daemon, text: string): Promise<number> {
  return (await postRecords(daemon, { body: text })).status
}

/** Bodies that CloudWatch has, each once. */
function stored(local: CloudWatchLocal): string[] {
  return [...new Set(local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body))].toSorted()
}

test(
  'a disk that keeps failing ends the daemon with 1, which logs why; the next one goes on from there',
  { timeout: 180_000 },
  async () => {
    const { daemon, disk, local, config } = await waitingDaemon()
    await disk.is('EIO')
    const answers: number[] = []
    while (daemon.code === null) answers.push(await send(daemon, 'refused').catch(() => 0))
    await daemon.ended
    expect(daemon.code).toBe(1)
    // A retryable answer each, until the port is closed.
    expect(new Set(answers.filter((status) => status !== 0))).toEqual(new Set([503]))
    expect(daemon.log.filter(({ msg }) => msg === 'cannot go on')).toMatchObject([
      {
        level: 'error',
        component: 'awscloudwatchlogs',
        error: { message: expect.stringContaining('5 times in a row') },
      },
    ])
    expect(daemon.log.at(-1)).toMatchObject({
      msg: 'stopped',
      records: { awscloudwatchlogs: { received: 1, queued: 1 } },
    })

    await disk.is('well')
    const next = await nextDelivers({ local, disk, config })
    expect((await next.metrics()).unaccounted).toBe(0)
    expect(await next.stop()).toBe(0)
  },
)

test(
  'while a disk stalls senders wait and the drain goes on; when it answers again, all acknowledged records are there',
  { timeout: 180_000 },
  async () => {
    const { local, disk, config } = await setup()
    local.faults.fail(503)
    const daemon = await startDaemon(config, disk.options)
    for (const text of ['a', 'b', 'c']) expect(await send(daemon, text)).toBe(200)
    await disk.is('stalled')
    let answered = 0
    const waiting = ['d', 'e', 'f'].map((text) =>
      send(daemon, text).then((status) => {
        answered++
        return status
      }),
    )
    local.faults.clear()
    await vi.waitFor(() => expect(stored(local)).toEqual(['a', 'b', 'c']), WITHIN)
    // Nothing is acknowledged that is not on the disk.
    expect(answered).toBe(0)
    await disk.is('well')
    expect(await Promise.all(waiting)).toEqual([200, 200, 200])
    await vi.waitFor(() => expect(stored(local)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']), WITHIN)
    expect((await daemon.metrics()).unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
  },
)

test(
  'a daemon whose disk stalls ends within its timeout, and the next one has all acknowledged records',
  { timeout: 180_000 },
  async () => {
    const { daemon, disk, local, config } = await waitingDaemon()
    await disk.is('stalled')
    const waiting = send(daemon, 'not acknowledged').catch(() => 0)
    // Killed by itself: a process with a thread that waits for a disk cannot end otherwise.
    expect(await daemon.stop()).toBeNull()
    expect(await waiting).not.toBe(200)
    expect(daemon.log).toContainEqual(
      expect.objectContaining({ level: 'error', msg: 'did not stop in time: abandoned' }),
    )
    expect(daemon.stderr).toContain('a disk call does not return')

    await disk.is('well')
    const next = await nextDelivers({ local, disk, config })
    expect(await next.stop()).toBe(0)
  },
)

test.for([1, 2])('a second signal ends %i processes at once whose disk stalls', async (workers) => {
  const { local, disk, config } = await setup()
  local.faults.fail(503)
  const set = ['service.shutdown_timeout=5m', `service.workers=${workers}`]
  const daemon = await startDaemon(config, { ...disk.options, set })
  const pids = workers === 1 ? [] : await daemon.workers()
  await disk.is('stalled')
  const waiting = send(daemon, 'not acknowledged').catch(() => 0)
  const held = async () => (await daemon.metrics()).value('otlp_cloudwatch_buffer_bytes', {})
  await vi.waitFor(async () => expect(await held()).toBeGreaterThan(0), WITHIN)
  process.kill(daemon.pid, 'SIGTERM')
  const intake = () => fetch(`http://127.0.0.1:${daemon.httpPort}`)
  await vi.waitFor(async () => expect(intake()).rejects.toThrow('fetch failed'), WITHIN)
  // A process that waits for the disk itself is killed.
  expect(await daemon.stop()).toBe(workers === 1 ? null : 1)
  expect(daemon.stderr).toContain('second SIGTERM: exiting without draining')
  expect(await waiting).not.toBe(200)
  const alive = () => pids.filter((pid) => existsSync(`/proc/${pid}`))
  await vi.waitFor(() => expect(alive()).toEqual([]), WITHIN)
})

test('a disk that fails is reported at the start', async () => {
  const { disk, config } = await setup()
  await disk.is('EIO')
  const { code, stderr } = await runToEnd([`--config=${await configFile(config)}`], disk.options)
  expect([code, stderr]).toEqual([1, expect.stringMatching(/directory: .*is on a failing disk: replace the disk/)])
})

test('a full disk refuses what is new, is drained also by the next daemon, and takes records again', async () => {
  const { daemon, disk, local, config } = await waitingDaemon()
  await disk.is('ENOSPC')
  expect(await send(daemon, 'refused')).toBe(503)
  expect(await daemon.stop()).toBe(0)
  const next = await nextDelivers({ local, disk, config })
  await disk.is('well')
  await vi.waitFor(async () => expect(await send(next, 'after')).toBe(200), WITHIN)
  await vi.waitFor(() => expect(stored(local)).toContain('after'), WITHIN)
  expect((await next.metrics()).unaccounted).toBe(0)
  expect(await next.stop()).toBe(0)
})
