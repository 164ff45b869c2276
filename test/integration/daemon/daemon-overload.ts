import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, vi } from 'vitest'
import { cloudwatchConfig } from './daemon-config.ts'
import { Load, startCountingCloudWatch } from './daemon-load.ts'
import { grpcSender, httpSender } from './daemon-senders.ts'
import { type Daemon, startDaemon } from './daemon.ts'

const MEBIBYTE = 1024 * 1024
/** What all buffers may hold, small against the load. */
const BUDGET_MIB = 16
/**
 * Resident memory beyond that. A daemon at rest has about 110 MiB; the JavaScript heap, sockets and what the allocator
 * keeps come to about as much again.
 */
const BESIDE_BUDGET_MIB = 320
const SENDERS_A_PROTOCOL = 12
const PATIENT = { timeout: 60_000, interval: 100 }

/**
 * Full load over both protocols while the backend is dead for `deadMs`: memory is bounded, senders get retryable answers, and
 * after that every record that was taken arrives once. The account is right at every look.
 */
export async function overload(deadMs: number): Promise<void> {
  const counting = await startCountingCloudWatch()
  onTestFinished(() => counting.local.close())
  const daemon = await startDaemon(
    cloudwatchConfig(counting.local.url, {
      processors: { memory_limiter: { check_interval: '1s', limit_mib: BUDGET_MIB } },
      exporter: { retry_on_failure: { initial_interval: '100ms', max_interval: '1s' } },
    }),
  )
  const watch = watchAccount(daemon)
  const load = new Load([
    ...Array.from({ length: SENDERS_A_PROTOCOL }, () => httpSender(daemon)),
    ...Array.from({ length: SENDERS_A_PROTOCOL }, () => grpcSender(daemon)),
  ])
  await vi.waitUntil(() => counting.arrived > 1_000, PATIENT)

  const dead = counting.local.faults.cut('before')
  await sleep(deadMs)
  await vi.waitUntil(() => load.waits.every((waits) => waits > 1), PATIENT)
  dead.off()
  // Senders that wait are accepted again.
  const taken = load.acknowledged.length
  await vi.waitUntil(() => load.acknowledged.length > 2 * taken, PATIENT)
  await load.finish()
  await vi.waitUntil(async () => (await daemon.metrics()).records('queued') === 0, PATIENT)

  const { unaccounted, memory } = await watch.end()
  const metrics = await daemon.metrics()
  expect(await daemon.stop()).toBe(0)
  expect(dead.hits).toBeGreaterThan(0)
  expect(unaccounted).toEqual([])
  expect(load.rejected).toBe(0)
  expect(metrics.value('otlp_cloudwatch_buffer_bytes_peak')).toBeLessThanOrEqual(BUDGET_MIB * MEBIBYTE)
  expect(metrics.value('otlp_cloudwatch_buffer_bytes')).toBe(0)
  expect(Math.max(...memory) / MEBIBYTE).toBeLessThan(BUDGET_MIB + BESIDE_BUDGET_MIB)
  expect(metrics.records('delivered')).toBe(load.acknowledged.length)
  expect(counting.copies(load.acknowledged)).toEqual({ 1: load.acknowledged.length })
  expect(counting.arrived).toBe(load.acknowledged.length)
}

/** Looks at the metrics until it is ended. */
export function watchAccount(daemon: Daemon) {
  const unaccounted: number[] = []
  const memory: number[] = []
  const ended = new AbortController()
  const watching = (async () => {
    while (!ended.signal.aborted) {
      const metrics = await daemon.metrics()
      if (metrics.unaccounted !== 0) unaccounted.push(metrics.unaccounted)
      memory.push(metrics.value('otelcol_process_memory_rss'))
      await sleep(100)
    }
  })()
  watching.catch(() => {}) // thrown by `end`
  return {
    /** @returns the differences that were not 0, and the resident bytes at each look */
    async end() {
      ended.abort()
      await watching
      return { unaccounted, memory }
    },
  }
}
