// Streams that are written steadily, beside something that is broken: for how many rounds of half a second each of them
// was left without a put. In rounds, as a machine that is slow makes those longer too.
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from '../../integration/daemon/daemon-config.ts'
import { httpSender, sendUntilTaken } from '../../integration/daemon/daemon-senders.ts'
import { type Daemon, startDaemon } from '../../integration/daemon/daemon.ts'

const ROUND_MS = 500
export const HEALTHY = ['h0', 'h1', 'h2', 'h3', 'h4'] as const

export interface Isolation {
  readonly local: CloudWatchLocal
  readonly daemon: Daemon
  /** Sends one record to each of these services, whose groups are `/test/<service>`, in one request. */
  readonly send: (services: readonly string[], body: string) => Promise<unknown>
  /** Writes to the five healthy streams in each round; returns the most rounds in a row in which one of them got no put. */
  readonly longestGap: (rounds: number) => Promise<number>
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
    async longestGap(rounds) {
      const puts = new PutRounds(local)
      for (let round = 0; round < rounds; round++) {
        await send(HEALTHY, `round ${round}`)
        await sleep(ROUND_MS)
        puts.look()
      }
      return puts.longestGap
    },
  }
}

/** Since which round each healthy stream waits. */
class PutRounds {
  readonly #local: CloudWatchLocal
  readonly #events = new Map<string, number>()
  readonly #gaps = new Map<string, number>()
  longestGap = 0

  constructor(local: CloudWatchLocal) {
    this.#local = local
  }

  look(): void {
    for (const name of HEALTHY) {
      const events = this.#local.events(`/test/${name}`).length
      const gap = events === this.#events.get(name) ? (this.#gaps.get(name) ?? 0) + 1 : 0
      this.#events.set(name, events)
      this.#gaps.set(name, gap)
      this.longestGap = Math.max(this.longestGap, gap)
    }
  }
}

/** What is done beside the healthy streams; `written` waits until each of these services has an event. */
export interface Scenario {
  readonly service?: object
  readonly rounds?: number
  /** Breaks something. */
  readonly begin: (isolation: Isolation) => Promise<unknown>
  /** Ends the fault; returns the services to write to afterwards. */
  readonly end?: (isolation: Isolation) => readonly string[]
}

/** Runs scenarios side by side, as each of them waits most of the time. @returns the longest gap of each, in rounds */
export async function longestGaps(scenarios: Readonly<Record<string, Scenario>>): Promise<Record<string, number>> {
  const gaps = Object.entries(scenarios).map(async ([name, { service, rounds = 24, begin, end }]) => {
    const its = await isolation(service)
    await begin(its)
    const gap = await its.longestGap(rounds)
    for (const service of end?.(its) ?? []) while (its.local.events(`/test/${service}`).length === 0) await sleep(100)
    return [name, gap] as const
  })
  return Object.fromEntries(await Promise.all(gaps))
}

/** Faults of the calls that create something. */
export function onCreations(fault: (operation: string) => void): void {
  for (const operation of ['CreateLogGroup', 'CreateLogStream']) fault(operation)
}
