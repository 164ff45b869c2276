import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sickDisk } from '../../fakes/disk/sick-disk.ts'
import { durableConfig } from '../../integration/durable/crash-rounds.ts'
import { cloudwatchConfig } from '../../integration/daemon/daemon-config.ts'
import { Load, startCountingCloudWatch } from '../../integration/daemon/daemon-load.ts'
import { watchAccount } from '../../integration/daemon/daemon-overload.ts'
import { grpcSender, httpSender } from '../../integration/daemon/daemon-senders.ts'
import { startDaemon } from '../../integration/daemon/daemon.ts'
import { type Fault, faultsOfClients, faultsOfCloudWatch, faultsOfDisk } from './soak-faults.ts'

const SOAK_MS = Number(process.env['SOAK_SECONDS'] ?? 60) * 1_000
const SENDERS_A_PROTOCOL = 8
/** Keeps the load at some 5,000 records a second, so that the ids of a soak fit into memory. */
const PAUSE_MS = 120
/** Resident memory in the last third of the time, of that in the second; what is kept of a record would make it grow on. */
const MAX_GROWTH = 1.3
/** One group a service, as `faultsOfCloudWatch` expects them. */
const EXPORTER = {
  log_group_name: '/test/{service.name}',
  log_stream_name: 's',
  retry_on_failure: { initial_interval: '50ms', max_interval: '500ms' },
}
const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000)

/** A queue of each kind, and what can happen to a daemon that has it beside faults of CloudWatch and of clients. */
const QUEUES = {
  'in memory': async (endpoint: string) => ({
    config: cloudwatchConfig(endpoint, { exporter: EXPORTER }),
    options: {},
    faults: [],
  }),
  'on disk': async (endpoint: string) => {
    const directory = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-soak-'))
    const disk = await sickDisk()
    onTestFinished(async () => {
      await disk.close()
      await rm(directory, { recursive: true, force: true })
    })
    return {
      config: durableConfig(endpoint, directory, EXPORTER),
      options: disk.options,
      faults: faultsOfDisk(disk),
    }
  },
}

test.for(Object.entries(QUEUES))(
  `random faults for ${SOAK_MS / 1_000} s lose nothing of a queue %s (SOAK_SEED=${seed} repeats their order)`,
  { timeout: SOAK_MS + 300_000 },
  async ([kind, prepare]) => {
    const counting = await startCountingCloudWatch()
    onTestFinished(() => counting.local.close())
    const { config, options, faults } = await prepare(counting.local.url)
    const daemon = await startDaemon(config, options)
    const watch = watchAccount(daemon)
    const load = new Load(
      [
        ...Array.from({ length: SENDERS_A_PROTOCOL }, () => httpSender(daemon)),
        ...Array.from({ length: SENDERS_A_PROTOCOL }, () => grpcSender(daemon)),
      ],
      PAUSE_MS,
    )
    const random = randomNumbers(seed)
    const all = [...faultsOfCloudWatch(counting.local, random), ...faultsOfClients(daemon), ...faults]
    const end = performance.now() + SOAK_MS
    let left: Fault[] = []
    while (performance.now() < end) {
      // Each once before any comes again: in a minute there is time for two rounds.
      if (left.length === 0) left = [...all]
      const [start] = left.splice(Math.floor(random() * left.length), 1)
      const fault = await start?.()
      await sleep(200 + random() * 1_500)
      await fault?.off()
      await sleep(random() * 500)
    }
    await load.finish()
    await vi.waitUntil(async () => (await daemon.metrics()).records('queued') === 0, { timeout: 60_000, interval: 100 })

    const { unaccounted, memory } = await watch.end()
    const metrics = await daemon.metrics()
    expect(await daemon.stop()).toBe(0)
    expect(unaccounted).toEqual([])
    const growth = growthOf(memory)
    const { length } = load.acknowledged
    process.stdout.write(
      `soak ${kind}: ${length} records, memory in the last third ${growth.toFixed(2)} of that in the second\n`,
    )
    expect(growth).toBeLessThan(MAX_GROWTH)
    expect(length).toBeGreaterThan(SOAK_MS / 10)
    expect(load.rejected).toBe(0)
    expect(metrics.records('lost')).toBe(0)
    expect(metrics.records('delivered')).toBe(length)
    const { 0: missing = 0, ...copies } = counting.copies(load.acknowledged)
    expect(missing).toBe(0)
    const duplicates = Object.entries(copies).reduce((sum, [times, records]) => sum + (Number(times) - 1) * records, 0)
    expect(duplicates).toBeLessThanOrEqual(metrics.value('otlp_cloudwatch_possible_duplicates'))
    // Or the faults were none.
    expect(duplicates).toBeGreaterThan(0)
  },
)

function growthOf(samples: readonly number[]): number {
  const third = Math.floor(samples.length / 3)
  const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length
  return mean(samples.slice(2 * third)) / mean(samples.slice(third, 2 * third))
}

/** The same numbers for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
