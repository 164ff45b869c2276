// One daemon dies while another runs beside it on the same storage.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { durableConfig } from '../../integration/durable/crash-rounds.ts'
import { httpSender } from '../../integration/daemon/daemon-senders.ts'
import { type Daemon, runToEnd, startDaemon } from '../../integration/daemon/daemon.ts'

/** A look every half minute, and the work itself. */
const WITHIN = { timeout: 90_000, interval: 100 }

async function send(daemon: Daemon, ...bodies: string[]): Promise<void> {
  const answer = await httpSender(daemon)(recordsRequest(...bodies.map((body) => ({ body }))))
  expect(answer).toMatchObject({ kind: 'taken', rejected: 0 })
}

/** What the exporter's account says; it has to balance at every look. */
async function account(daemon: Daemon) {
  const metrics = await daemon.metrics()
  expect(metrics.unaccounted).toBe(0)
  return {
    received: metrics.received,
    delivered: metrics.records('delivered'),
    queued: metrics.records('queued'),
    letters: metrics.value('otlp_cloudwatch_records', { state: 'dead_lettered' }),
  }
}

const becomes = (daemon: Daemon, wanted: Partial<Awaited<ReturnType<typeof account>>>) =>
  vi.waitFor(async () => expect(await account(daemon)).toMatchObject(wanted), WITHIN)

/** Waits until the counters on disk are those: what a process that is killed now has counted. */
async function isWritten(directory: string, counters: string): Promise<void> {
  await vi.waitUntil(async () => {
    const name = (await readdir(directory)).findLast((name) => name.startsWith('acknowledgements-'))
    return (await readFile(join(directory, name ?? ''), 'utf8').catch(() => '')).includes(counters)
  }, WITHIN)
}

async function letters(root: string, ...args: string[]): Promise<string[]> {
  const { code, stdout } = await runToEnd(['dead-letters', ...args, '--directory', root])
  expect(code).toBe(0)
  return stdout.trim().split('\n')
}

test(
  'a daemon that runs takes over records, dead letters and counters of one that is killed beside it, each once',
  { timeout: 240_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const root = await temporaryFolder()
    const config = durableConfig(local.url, root)
    const [ownDirectory, itsDirectory] = [
      join(root, 'awscloudwatchlogs', '0000'),
      join(root, 'awscloudwatchlogs', '0001'),
    ]
    const poison = local.faults.poison('poisoned')
    let runs = await startDaemon(config)
    const dies = await startDaemon(config)
    await send(runs, 'a')
    await becomes(runs, { delivered: 1 })
    await send(dies, 'b')
    await becomes(dies, { delivered: 1 })
    await send(dies, 'c', 'poisoned 1')
    await becomes(dies, { delivered: 2, letters: 1 })
    await send(dies, 'd', 'poisoned 2')
    await becomes(dies, { delivered: 3, letters: 2 })
    await isWritten(itsDirectory, '"delivered":3')
    const before = await letters(root, 'list')
    expect(before).toHaveLength(2)
    const outage = local.faults.cut('before')
    await send(dies, 'waits 1', 'waits 2')
    await dies.kill()

    // Its records, its letters, and what it had counted; nothing of it twice.
    await becomes(runs, { received: 1 + 7, delivered: 1 + 3, queued: 2, letters: 2 })
    expect(await letters(root, 'list')).toEqual(before)
    outage.off()
    await becomes(runs, { received: 8, delivered: 6, queued: 0, letters: 2 })
    await vi.waitUntil(
      async () => !(await readdir(itsDirectory, { recursive: true })).some((name) => name.endsWith('.segment')),
      WITHIN,
    )

    // What it has taken over is its own: also after it is killed in turn.
    await isWritten(ownDirectory, '"delivered":6')
    await runs.kill()
    runs = await startDaemon(config)
    expect(await account(runs)).toEqual({ received: 8, delivered: 6, queued: 0, letters: 2 })
    poison.off()
    expect(await letters(root, 'replay')).toContain('2 letters with 2 events were queued again')
    await becomes(runs, { received: 8, delivered: 8, letters: 0 })

    // The directory is free for the next process, which counts from zero.
    const again = await startDaemon(config)
    expect(await account(again)).toEqual({ received: 0, delivered: 0, queued: 0, letters: 0 })
    await send(again, 'e')
    await becomes(again, { received: 1, delivered: 1 })
    expect((await readdir(join(root, 'awscloudwatchlogs'))).sort()).toEqual(['0000', '0001'])
    expect(await again.stop()).toBe(0)
    expect(await runs.stop()).toBe(0)
    const bodies = local.events().map(({ message }) => (JSON.parse(message) as { body: string }).body)
    expect(bodies.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'poisoned 1', 'poisoned 2', 'waits 1', 'waits 2'])
  },
)
