// CloudWatch refuses every record of a flood, so dead letters come to their limit: the oldest make room, each of them is in the
// account, the daemon lives with the heap of the chart's pod, and senders are answered.
import { expect, test, vi } from 'vitest'
import { startDaemon } from '../../integration/daemon/daemon.ts'
import { OutageLoad } from '../../integration/outage/outage-load.ts'
import { bytesBelow } from '../../integration/outage/outage-run.ts'
import {
  MEBIBYTE,
  outageConfig,
  outageDirectory,
  POD_HEAP_MIB,
  POD_MIB,
  startOutageCloudWatch,
} from '../../integration/outage/outage-setup.ts'
import { Watch } from '../../integration/outage/outage-watch.ts'

const STREAMS = 40
const DISK_MIB = 24
/** So few that a flood fills them in seconds. */
const LETTERS_MIB = 2
/** Records in letters that made room for others: the limit holds for a while. */
const MIN_EVICTED = 5_000
const PATIENT = { timeout: 120_000, interval: 200 }

test('disk, 40 streams, dead letters to their limit', { timeout: 300_000 }, async () => {
  let arrived = 0
  const local = await startOutageCloudWatch(STREAMS, (ids) => (arrived += ids.length))
  const refusing = local.faults.rejectAll('too_old')
  const directory = await outageDirectory()
  const config = outageConfig(local.url, { diskMib: DISK_MIB, lettersMib: LETTERS_MIB }, directory)
  const daemon = await startDaemon(config, { nodeArgs: [`--max-old-space-size=${POD_HEAP_MIB}`] })
  const watch = new Watch(daemon, daemon.pid)
  const load = new OutageLoad(daemon.httpPort, { streams: STREAMS })
  const startedAt = performance.now()
  try {
    await vi.waitUntil(async () => {
      expect(watch.dead).toBe(false)
      return (await daemon.metrics()).records('lost', 'dead_letter_evicted') >= MIN_EVICTED
    }, PATIENT)
  } finally {
    await load.finish()
  }
  await vi.waitUntil(async () => (await daemon.metrics()).records('queued') === 0, PATIENT)
  await watch.end()
  const metrics = await daemon.metrics()
  const letters = metrics.records('dead_lettered')
  const evicted = metrics.records('lost', 'dead_letter_evicted')
  const diskMib = (await bytesBelow(directory)) / MEBIBYTE
  process.stderr.write(
    `dead letters to their limit: ${Math.round((performance.now() - startedAt) / 1_000)} s, ${load.acknowledged} acknowledged, ` +
      `${load.refused} refused, ${letters} in letters, ${evicted} evicted, ${diskMib.toFixed(1)} MiB on disk, ` +
      `RSS ${Math.round(watch.peakRssBytes / MEBIBYTE)} MiB, health ${Math.round(watch.slowestHealthMs)} ms\n`,
  )

  expect(refusing.hits).toBeGreaterThan(0)
  expect(arrived).toBe(0)
  expect(load.unanswered).toBe(0)
  expect(load.wrongAnswers).toEqual([])
  expect(load.rejected).toBe(0)
  expect(watch.sick).toEqual([])
  expect(watch.unaccounted).toEqual([])
  expect(metrics.unaccounted).toBe(0)
  expect(metrics.received).toBe(load.acknowledged)
  expect(letters).toBeGreaterThan(0)
  expect(letters + evicted).toBe(load.acknowledged)
  expect(metrics.records('lost')).toBe(evicted)
  expect(diskMib).toBeLessThan(DISK_MIB + LETTERS_MIB)
  expect(watch.peakRssBytes / MEBIBYTE).toBeLessThan(POD_MIB)
  expect(await daemon.stop()).toBe(0)
})
