// After an outage at least half of a scope's puts go to records under a minute old, the rest to the backlog, oldest first: who
// looks at a dashboard after an outage sees what happens now, and not only what happened then.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { startDaemon } from '../../integration/daemon/daemon.ts'
import { OutageLoad, streamName } from '../../integration/outage/outage-load.ts'
import { RecordFates } from '../../integration/outage/outage-records.ts'
import { outageConfig, outageDirectory, startOutageCloudWatch } from '../../integration/outage/outage-setup.ts'

/** Streams with records of the outage's beginning, of its end, and of the time after it. */
const EARLY = 150
const LATER = 150
const FRESH = 40
const STREAMS = EARLY + LATER + FRESH
/** Records of each stream in the backlog. */
const EACH = 3
/** So few that the backlog takes a while. */
const PUTS_PER_SECOND = 30
/** Puts that are looked at, once the first fresh record was acknowledged. */
const LOOK_AT = 120
/** Puts that were decided on before a fresh record could be sent (`sending_queue.num_consumers`). */
const UNDER_WAY = 10
/** Of the first puts of the backlog, for its older half. */
const OLDEST_FIRST = 0.75
const MINUTE_MS = 60_000
const PATIENT = { timeout: 120_000, interval: 20 }

type Age = 'early' | 'later' | 'fresh'

function ageOf(stream: string): Age {
  if (stream < streamName(EARLY)) return 'early'
  return stream < streamName(EARLY + LATER) ? 'later' : 'fresh'
}

async function drainOrder(name: string, diskMib: number | undefined): Promise<void> {
  const records = new RecordFates()
  const puts: { readonly age: Age; readonly oldestMs: number }[] = []
  const local = await startOutageCloudWatch(STREAMS, (ids, { stream, oldestMs }) => {
    puts.push({ age: ageOf(stream), oldestMs })
    for (const id of ids) records.arrive(id)
  })
  const exporter = { max_puts_per_second: PUTS_PER_SECOND, retry_on_failure: { max_interval: '1s' } }
  const disk = diskMib === undefined ? {} : { diskMib }
  const config = outageConfig(local.url, { ...disk, exporter }, await outageDirectory())
  const daemon = await startDaemon(config, { nodeArgs: ['--max-old-space-size=128'] })
  await local.down()

  for (const [firstStream, streams] of [
    [0, EARLY],
    [EARLY, LATER],
  ] as const) {
    const load = new OutageLoad(daemon.httpPort, { firstStream, streams, connections: 4, pauseMs: 1 }, records)
    await vi.waitUntil(() => load.acknowledged >= EACH * streams, PATIENT)
    await load.finish()
  }
  await sleep(MINUTE_MS + 1_000)

  await local.up()
  const fresh = { firstStream: EARLY + LATER, streams: FRESH, connections: 16, pauseMs: 10 }
  const load = new OutageLoad(daemon.httpPort, fresh, records)
  await vi.waitUntil(() => load.acknowledged > 0, PATIENT)
  const before = puts.length
  await vi.waitUntil(() => puts.length >= before + LOOK_AT, PATIENT)
  await load.finish()
  const looked = puts.slice(before, before + LOOK_AT)
  const count = (age: Age) => looked.filter((put) => put.age === age).length
  const waited = looked.filter(({ age }) => age === 'fresh').map(({ oldestMs }) => oldestMs)
  await vi.waitUntil(async () => (await daemon.metrics()).records('queued') === 0, PATIENT)
  const metrics = await daemon.metrics()
  const old = puts.filter(({ age }) => age !== 'fresh')
  const earlyFirst = old.slice(0, EARLY).filter(({ age }) => age === 'early').length
  process.stderr.write(
    `${name}: of ${LOOK_AT} puts after the outage ${count('fresh')} fresh, ${count('early')} early, ${count('later')} later; ` +
      `fresh records (${load.acknowledged}) waited ${Math.max(0, ...waited)} ms at most; ` +
      `of the first ${EARLY} puts of the backlog ${earlyFirst} early\n`,
  )

  // There are more fresh streams than puts, so they use all of their share, from the first flush on.
  expect.soft(count('fresh'), name).toBeGreaterThanOrEqual(LOOK_AT / 2 - UNDER_WAY)
  expect.soft(count('early') + count('later'), name).toBeGreaterThanOrEqual(LOOK_AT / 8)
  // Puts that are under way together may end in any order, and retries come later.
  expect.soft(earlyFirst, name).toBeGreaterThanOrEqual(EARLY * OLDEST_FIRST)
  expect.soft(records.audit(), name).toMatchObject({ missing: 0, duplicates: 0, refusedAndDelivered: 0 })
  expect.soft(metrics.unaccounted, name).toBe(0)
  expect(await daemon.stop()).toBe(0)
}

test(
  'after an outage of a minute half of the puts are for fresh records, the others for the oldest (memory, disk)',
  { timeout: 400_000 },
  async () => {
    const both = await Promise.allSettled([drainOrder('memory', undefined), drainOrder('disk', 64)])
    const failed = both.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []))
    if (failed.length > 0) throw new AggregateError(failed, failed.map(String).join('\n'))
  },
)
