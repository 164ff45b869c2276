// Streams that are written steadily, beside something that is broken: how long each of them was left without a put.
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../fakes/cloudwatch.ts'
import { logsRequest } from '../fakes/logs-request.ts'
import { cloudwatchConfig } from './daemon-config.ts'
import { httpSender, sendUntilTaken } from './daemon-senders.ts'
import { type Daemon, startDaemon } from './daemon.ts'

export const HEALTHY = ['h0', 'h1', 'h2', 'h3', 'h4'] as const

export interface Isolation {
  readonly local: CloudWatchLocal
  readonly daemon: Daemon
  /** Sends one record to each of these services, whose groups are `/test/<service>`, in one request. */
  readonly send: (services: readonly string[], body: string) => Promise<unknown>
  /** Writes to the five healthy streams twice a second; returns the longest time that one of them got no put, ms. */
  readonly longestGapMs: (durationMs: number) => Promise<number>
}

/** A daemon with the default flush interval, and five streams that work. */
export async function isolation(service: object = {}): Promise<Isolation> {
  const local = await startCloudWatchLocal()
  onTestFinished(() => local.close())
  const daemon = await startDaemon(cloudwatchConfig(local.url, { exporter: { flush_interval: '1s' }, service }))
  const post = httpSender(daemon)
  const send = (services: readonly string[], body: string) =>
    sendUntilTaken(
      post,
      logsRequest(
        ...services.map((name) => ({ resource: { 'service.name': name }, scopes: [{ records: [{ body }] }] })),
      ),
      () => {},
    )
  await send(HEALTHY, 'first')
  while (HEALTHY.some((name) => local.events(`/test/${name}`).length === 0)) await sleep(50)
  return {
    local,
    daemon,
    send,
    async longestGapMs(durationMs) {
      const puts = new PutTimes(local)
      const end = performance.now() + durationMs
      for (let round = 0; performance.now() < end; round++) {
        await send(HEALTHY, `round ${round}`)
        await sleep(500)
        puts.look()
      }
      return puts.longestGapMs()
    },
  }
}

/** When each healthy stream was last written, as seen by looking often. */
class PutTimes {
  readonly #local: CloudWatchLocal
  readonly #events = new Map<string, number>()
  readonly #lastMs = new Map<string, number>()
  #longestMs = 0

  constructor(local: CloudWatchLocal) {
    this.#local = local
    this.look()
  }

  look(): void {
    const now = performance.now()
    for (const name of HEALTHY) {
      const events = this.#local.events(`/test/${name}`).length
      const last = this.#lastMs.get(name) ?? now
      this.#longestMs = Math.max(this.#longestMs, now - last)
      if (events === this.#events.get(name)) continue
      this.#events.set(name, events)
      this.#lastMs.set(name, now)
    }
  }

  longestGapMs(): number {
    this.look()
    return this.#longestMs
  }
}

/** What is done beside the healthy streams; `written` waits until each of these services has an event. */
export interface Scenario {
  readonly service?: object
  readonly durationMs?: number
  /** Breaks something. */
  readonly begin: (isolation: Isolation) => Promise<unknown>
  /** Mends it; the services it returns are to be written then. */
  readonly end?: (isolation: Isolation) => readonly string[]
}

/** Runs scenarios side by side, as each of them waits most of the time. @returns the longest gap of each, ms */
export async function longestGaps(scenarios: Readonly<Record<string, Scenario>>): Promise<Record<string, number>> {
  const gaps = Object.entries(scenarios).map(async ([name, { service, durationMs = 12_000, begin, end }]) => {
    const its = await isolation(service)
    await begin(its)
    const gap = await its.longestGapMs(durationMs)
    for (const service of end?.(its) ?? []) while (its.local.events(`/test/${service}`).length === 0) await sleep(100)
    return [name, gap] as const
  })
  return Object.fromEntries(await Promise.all(gaps))
}

/** Faults of the calls that create something. */
export function onCreations(fault: (operation: string) => void): void {
  for (const operation of ['CreateLogGroup', 'CreateLogStream']) fault(operation)
}
