// The daemon with the heap and the budget of the chart's pod, while CloudWatch is down and small requests come faster than
// anything can hold: it lives, senders wait, and what it acknowledged is delivered once CloudWatch is back.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { CloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'
import { OutageLoad, type OutageLoadOptions } from './outage-load.ts'
import { RecordFates } from './outage-records.ts'
import {
  MEBIBYTE,
  outageConfig,
  outageDirectory,
  type OutageOptions,
  POD_HEAP_MIB,
  POD_MIB,
  startOutageCloudWatch,
} from './outage-setup.ts'
import { Watch } from './outage-watch.ts'

/** A condition of the daemon that does not come about within this time does not come about. */
const PATIENCE_MS = 60_000
/** The load needs so long at most to fill a daemon, on a slow machine. */
const FILL_MS = 600_000

export interface OutageFigures {
  readonly acknowledged: number
  readonly refused: number
  readonly rejected: number
  readonly requestsPerSecond: number
  readonly diskMib: number
  readonly peakRssMib: number
  readonly peakHeapMib: number
  readonly peakBufferMib: number
  readonly slowestHealthMs: number
  readonly outageSeconds: number
  readonly drainSeconds: number
  readonly missing: number
  readonly duplicates: number
  /** Records that are dead letters at the end, and those whose letters made room for others. */
  readonly deadLettered: number
  readonly evicted: number
}

/** Bytes of all files below a directory. */
export async function bytesBelow(directory: string): Promise<number> {
  let sum = 0
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true }))
    if (entry.isFile())
      sum += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      )
  return sum
}

/** One outage, from the first record to the last that is delivered after it. */
export async function outage(
  name: string,
  options: OutageOptions,
  print: (line: string) => void,
): Promise<OutageFigures> {
  const run = new OutageRun(name, options, print)
  return run.run()
}

class OutageRun {
  readonly #name: string
  readonly #options: OutageOptions
  readonly #print: (line: string) => void
  readonly #records = new RecordFates()
  readonly #startedAt = performance.now()
  readonly #watches: Watch[] = []
  #arrived = 0
  #acknowledged = 0
  #refused = 0
  #rejected = 0

  constructor(name: string, options: OutageOptions, print: (line: string) => void) {
    this.#name = name
    this.#options = options
    this.#print = print
  }

  async run(): Promise<OutageFigures> {
    const { streams, heapMib = POD_HEAP_MIB, kills = 0, container } = this.#options
    const local = await startOutageCloudWatch(streams, (ids) => {
      this.#arrived += ids.length
      for (const id of ids) this.#records.arrive(id)
    })
    const directory = await outageDirectory()
    const config = outageConfig(local.url, this.#options, directory)
    const daemonOptions = (await container?.options(directory)) ?? { nodeArgs: [`--max-old-space-size=${heapMib}`] }
    const start = () => startDaemon(config, daemonOptions)
    const up = await this.#takeDown(local)

    let daemon = await start()
    for (let kill = 0; kill < kills; kill++) {
      // The first kill comes while it takes records, the later ones when it is full.
      await this.#load(daemon, async (load) => {
        if (kill === 0) await this.#until(load, daemon, () => load.acknowledged > 5_000)
        else await this.#until(load, daemon, () => load.quietMs > this.#options.refusedMs)
        // The probe would find it dead.
        await this.#watches.at(-1)?.end()
        await daemon.kill()
      })
      const startedAt = performance.now()
      daemon = await start()
      this.#print(`${this.#name}: started in ${Math.round(performance.now() - startedAt)} ms after kill ${kill + 1}`)
    }
    const load = await this.#load(daemon, (each) => this.#fill(each, daemon))
    const outageSeconds = this.#seconds
    const diskMib = Math.round((await bytesBelow(directory)) / MEBIBYTE)
    await up()

    const upAt = performance.now()
    await this.#drained(daemon)
    const metrics = await daemon.metrics()
    const watch = this.#watches.at(-1) as Watch
    await watch.end()
    const audit = this.#records.audit()
    const peak = (of: (watch: Watch) => number) => Math.round(Math.max(...this.#watches.map(of)))
    const figures: OutageFigures = {
      acknowledged: this.#acknowledged,
      refused: this.#refused,
      rejected: this.#rejected,
      requestsPerSecond: load.requestsPerSecond,
      diskMib,
      peakRssMib: peak(({ peakRssBytes }) => peakRssBytes / MEBIBYTE),
      peakHeapMib: peak(({ peakHeapBytes }) => peakHeapBytes / MEBIBYTE),
      peakBufferMib: peak(({ peakBufferBytes }) => peakBufferBytes / MEBIBYTE),
      slowestHealthMs: peak(({ slowestHealthMs }) => slowestHealthMs),
      outageSeconds,
      drainSeconds: Math.round((performance.now() - upAt) / 100) / 10,
      missing: audit.missing,
      duplicates: audit.duplicates,
      deadLettered: metrics.records('dead_lettered'),
      evicted: metrics.records('lost', 'dead_letter_evicted'),
    }
    this.#print(`${this.#name}: ${JSON.stringify({ ...figures, ...(await container?.figures()) })}`)

    expect(this.#watches.flatMap(({ sick }) => sick)).toEqual([])
    expect(this.#watches.flatMap(({ unaccounted }) => unaccounted)).toEqual([])
    expect(metrics.unaccounted).toBe(0)
    expect(audit).toMatchObject({ missing: 0, refusedAndDelivered: 0, lateDelivered: 0 })
    // Records of requests that a kill left unanswered may have been taken too.
    if (kills === 0) expect(audit).toMatchObject({ duplicates: 0 })
    if (kills === 0) expect(metrics.records('delivered')).toBe(audit.expected)
    else expect(metrics.records('delivered')).toBeGreaterThanOrEqual(audit.expected)
    expect(figures.deadLettered + figures.evicted).toBe(audit.late)
    if (audit.late > 0) expect(figures.evicted).toBeGreaterThan(0)
    expect(metrics.records('lost')).toBe(figures.evicted)
    // A pod that has more is killed by the kernel.
    expect(figures.peakRssMib).toBeLessThan(POD_MIB)
    expect(await daemon.stop()).toBe(0)
    return figures
  }

  get #seconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 100) / 10
  }

  /** @returns brings it back */
  async #takeDown(local: CloudWatchLocal): Promise<() => Promise<void>> {
    const { fault = 'gone' } = this.#options
    if (fault === 'gone') {
      await local.down()
      return () => local.up()
    }
    const active = fault === '503' ? local.faults.fail(503) : local.faults.slow(24 * 3_600_000)
    return async () => {
      expect(active.hits).toBeGreaterThan(0)
      active.off()
      // Calls that wait would do so for their whole time.
      if (fault === 'silent') await local.down()
      if (fault === 'silent') await local.up()
    }
  }

  async #load(daemon: Daemon, during: (load: OutageLoad) => Promise<void>): Promise<OutageLoad> {
    const watch = new Watch(daemon, (await this.#options.container?.pid()) ?? daemon.pid)
    this.#watches.push(watch)
    const { streams, lateEvery } = this.#options
    const options: OutageLoadOptions = { streams, ...(lateEvery !== undefined && { lateEvery }) }
    const load = new OutageLoad(daemon.httpPort, options, this.#records)
    try {
      await during(load)
    } finally {
      await load.finish()
      this.#acknowledged += load.acknowledged
      this.#refused += load.refused
      this.#rejected += load.rejected
    }
    expect(load.wrongAnswers).toEqual([])
    expect(load.rejected).toBe(0)
    return load
  }

  /** Until it has refused everything for long enough, and enough was offered. */
  #fill(load: OutageLoad, daemon: Daemon): Promise<void> {
    const { refusedMs, offeredTimes = 3, minimumMs = 0 } = this.#options
    return this.#until(
      load,
      daemon,
      () =>
        load.quietMs > refusedMs &&
        load.offered + this.#acknowledged + this.#refused >= offeredTimes * (load.acknowledged + this.#acknowledged) &&
        performance.now() - this.#startedAt > minimumMs,
    )
  }

  async #until(load: OutageLoad, daemon: Daemon, condition: () => boolean): Promise<void> {
    const endAt = performance.now() + FILL_MS + (this.#options.minimumMs ?? 0)
    while (!condition()) {
      this.#expectAlive(daemon, load)
      if (performance.now() > endAt)
        throw new Error(`${this.#name}: it still takes records after ${this.#seconds} s: ${this.#count(load)}`)
      await sleep(50)
    }
  }

  #expectAlive(daemon: Daemon, load?: OutageLoad): void {
    const watch = this.#watches.at(-1) as Watch
    if (!watch.dead) return
    const why = /FATAL ERROR: .*/.exec(daemon.stderr)?.[0] ?? daemon.stderr.slice(-500)
    const memory = `RSS ${Math.round(watch.peakRssBytes / MEBIBYTE)} MiB, heap ${Math.round(watch.peakHeapBytes / MEBIBYTE)} MiB, buffers ${Math.round(watch.peakBufferBytes / MEBIBYTE)} MiB`
    const line = `${this.#name}: the daemon died after ${this.#seconds} s, ${this.#count(load)}; ${memory}: ${why}`
    this.#print(line)
    throw new Error(line)
  }

  #count(load?: OutageLoad): string {
    const acknowledged = this.#acknowledged + (load?.acknowledged ?? 0)
    const refused = this.#refused + (load?.refused ?? 0)
    return `${acknowledged} acknowledged, ${refused} refused, ${this.#arrived} delivered`
  }

  /** Waits until nothing is queued; the time is bounded from the last record that came. */
  async #drained(daemon: Daemon): Promise<void> {
    let arrived = this.#arrived
    let movedAt = performance.now()
    for (;;) {
      this.#expectAlive(daemon)
      const metrics = await daemon.metrics().catch(() => undefined)
      if (metrics?.records('queued') === 0) return
      if (this.#arrived > arrived) {
        arrived = this.#arrived
        movedAt = performance.now()
      }
      if (performance.now() - movedAt > PATIENCE_MS)
        throw new Error(`${this.#name}: nothing came for ${PATIENCE_MS} ms: ${this.#count()}`)
      await sleep(100)
    }
  }
}
