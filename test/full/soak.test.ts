import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { CloudWatchLocal } from '../fakes/cloudwatch.ts'
import { cloudwatchConfig } from '../integration/daemon-config.ts'
import { Load, SERVICES, startCountingCloudWatch } from '../integration/daemon-load.ts'
import { watchAccount } from '../integration/daemon-overload.ts'
import { grpcSender, httpSender } from '../integration/daemon-senders.ts'
import { startDaemon } from '../integration/daemon.ts'

const SOAK_MS = Number(process.env['SOAK_SECONDS'] ?? 60) * 1_000
const SENDERS_A_PROTOCOL = 8
/** Keeps the load at some 5,000 records a second, so that the ids of a soak fit into memory. */
const PAUSE_MS = 120
/** Resident memory in the last third of the time, of that in the second; what is kept of a record would make it grow on. */
const MOST_GROWTH = 1.3
const seed = Number(process.env['SOAK_SEED'] ?? Date.now() % 1_000_000)

test(
  `random faults for ${SOAK_MS / 1_000} s lose nothing (SOAK_SEED=${seed} repeats their order)`,
  async () => {
    const counting = await startCountingCloudWatch()
    onTestFinished(() => counting.local.close())
    const daemon = await startDaemon(
      cloudwatchConfig(counting.local.url, {
        exporter: { retry_on_failure: { initial_interval: '50ms', max_interval: '500ms' } },
      }),
    )
    const watch = watchAccount(daemon)
    const load = new Load(
      [
        ...Array.from({ length: SENDERS_A_PROTOCOL }, () => httpSender(daemon)),
        ...Array.from({ length: SENDERS_A_PROTOCOL }, () => grpcSender(daemon)),
      ],
      PAUSE_MS,
    )
    const random = randomNumbers(seed)
    const end = performance.now() + SOAK_MS
    while (performance.now() < end) {
      const fault = befall(counting.local, random)
      await sleep(200 + random() * 1_500)
      fault.off()
      await sleep(random() * 500)
    }
    await load.finish()
    await vi.waitUntil(async () => (await daemon.metrics()).records('queued') === 0, { timeout: 60_000, interval: 100 })

    const { unaccounted, memory } = await watch.end()
    const metrics = await daemon.metrics()
    expect(await daemon.stop()).toBe(0)
    expect(unaccounted).toEqual([])
    const growth = growthOf(memory)
    process.stdout.write(
      `soak: ${load.acknowledged.length} records, memory in the last third ${growth.toFixed(2)} of that in the second\n`,
    )
    expect(growth).toBeLessThan(MOST_GROWTH)
    expect(load.acknowledged.length).toBeGreaterThan(SOAK_MS / 10)
    expect(load.rejected).toBe(0)
    expect(metrics.records('lost')).toBe(0)
    expect(metrics.records('delivered')).toBe(load.acknowledged.length)
    const { 0: missing = 0, ...copies } = counting.copies(load.acknowledged)
    expect(missing).toBe(0)
    const doubles = Object.entries(copies).reduce((sum, [times, records]) => sum + (Number(times) - 1) * records, 0)
    expect(doubles).toBeLessThanOrEqual(metrics.value('otlp_cloudwatch_possible_doubles'))
    // Or the faults were none.
    expect(doubles).toBeGreaterThan(0)
  },
  SOAK_MS + 300_000,
)

/** One of the ways in which CloudWatch, or the network before it, fails. */
function befall({ faults }: CloudWatchLocal, random: () => number): { off(): void } {
  const group = `/test/service-${Math.floor(random() * SERVICES)}`
  const ways = [
    () => faults.throttle(),
    () => faults.fail(500),
    () => faults.fail(503),
    () => faults.cut('before'),
    () => faults.cut('after', { operation: 'PutLogEvents' }),
    () => faults.cut('after', { operation: 'PutLogEvents', group }),
    () => faults.deny({ group }),
    () => faults.expireCredentials({ times: 3 }),
    () => faults.garbage('html'),
    () => faults.slow(300),
    () => faults.alreadyAccepted({ times: 2 }),
  ]
  const way = ways[Math.floor(random() * ways.length)]
  if (way === undefined) throw new Error('a random number is below 1')
  return way()
}

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
