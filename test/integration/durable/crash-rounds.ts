// The daemon under load on a queue on disk, killed again and again at random moments.
import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, vi } from 'vitest'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { type Daemon, freePort, startDaemon } from '../daemon/daemon.ts'

const LANES = 8
const RECORDS_A_REQUEST = 20
const PATIENCE_MS = 60_000
/** Of a slow call. */
const SLOW_MS = 100

export interface CrashReport {
  readonly acknowledged: number
  /** Acknowledged, and not in CloudWatch. */
  readonly missing: readonly string[]
  /** What came more than once, and how long before a kill it had come first; 0 for calls that were under way. */
  readonly duplicates: readonly { readonly id: string; readonly beforeKillMs: number }[]
  /** Arrived otherwise than they were sent. */
  readonly broken: readonly string[]
  /** Of each start: what the account could not explain. */
  readonly unaccounted: readonly number[]
  /** From the start of the process until it listens. */
  readonly readyMs: readonly number[]
  /** The account at the end. */
  readonly account: { readonly delivered: number; readonly queued: number; readonly lost: number }
  /** Records of all requests, also of those that were never answered. */
  readonly sent: number
}

/** Kills the daemon `rounds` times, and lets it drain. */
export async function crashRounds(rounds: number): Promise<CrashReport> {
  const counting = await startCounting()
  const directory = await temporaryFolder()
  const port = await freePort()
  const config = durableConfig(counting.local.url, directory)
  const set = [`receivers.otlp.protocols.http.endpoint=127.0.0.1:${port}`]
  const load = new LaneLoad(port)
  const kills: Kill[] = []
  const readyMs: number[] = []
  const unaccounted: number[] = []
  const start = async () => {
    const began = performance.now()
    const last = kills.at(-1)
    if (last !== undefined) last.startedMs = began
    const daemon = await startDaemon(config, { set })
    readyMs.push(Math.round(performance.now() - began))
    unaccounted.push((await daemon.metrics()).unaccounted)
    return daemon
  }
  for (let round = 0; round < rounds; round++) {
    misbehave(counting.local, round)
    const daemon = await start()
    const before = load.acknowledged.length
    await vi.waitUntil(() => load.acknowledged.length > before, { timeout: PATIENCE_MS, interval: 5 })
    await sleep(Math.random() * 900)
    kills.push({ atMs: performance.now(), startedMs: Number.POSITIVE_INFINITY })
    await daemon.kill()
    // What it had under way arrives, so that it is not taken for the work of the next one.
    await sleep(2 * SLOW_MS)
  }
  await load.finish()
  counting.local.faults.clear()
  const daemon = await start()
  const account = await drained(daemon)
  await daemon.stop()
  return { ...counting.judge(load.acknowledged, kills), unaccounted, readyMs, account, sent: load.sent }
}

export function durableConfig(endpoint: string, directory: string, exporter: object = {}): object {
  const config = cloudwatchConfig(endpoint, {
    exporter: {
      log_group_name: '/crash',
      log_stream_name: '{service.name}',
      retry_on_failure: { initial_interval: '50ms', max_interval: '500ms' },
      sending_queue: { storage: 'file_storage' },
      ...exporter,
    },
  }) as { extensions: object; service: { extensions: string[] } }
  return {
    ...config,
    extensions: { ...config.extensions, file_storage: { directory, create_directory: true } },
    service: { ...config.service, extensions: [...config.service.extensions, 'file_storage'] },
  }
}

/** Now quick, now slow, now not at all: so the kills meet a queue that keeps up and one that has a backlog. */
function misbehave({ faults }: CloudWatchLocal, round: number): void {
  faults.clear()
  if (round % 3 === 1) faults.slow(SLOW_MS, { operation: 'PutLogEvents' })
  if (round % 3 === 2) faults.fail(503, { operation: 'PutLogEvents', stream: 'lane-3' })
  if (round % 5 === 4) faults.cut('before')
}

/** Waits until nothing is queued any more. */
async function drained(daemon: Daemon): Promise<CrashReport['account']> {
  await vi.waitUntil(async () => (await daemon.metrics()).records('queued') === 0, {
    timeout: PATIENCE_MS,
    interval: 100,
  })
  const metrics = await daemon.metrics()
  return { delivered: metrics.records('delivered'), queued: metrics.records('queued'), lost: metrics.records('lost') }
}

/** One sender a lane, each with one request after another; what is not answered is not sent again. */
export class LaneLoad {
  readonly acknowledged: string[] = []
  sent = 0
  readonly #agent = new Agent({ keepAlive: true })
  readonly #port: number
  readonly #running: Promise<unknown>
  #on = true

  constructor(port: number) {
    this.#port = port
    this.#running = Promise.all(Array.from({ length: LANES }, (_, lane) => this.#run(lane)))
    onTestFinished(() => this.finish())
  }

  async finish(): Promise<void> {
    this.#on = false
    await this.#running
    this.#agent.destroy()
  }

  async #run(lane: number): Promise<void> {
    let request = 0
    while (this.#on) {
      request++
      const ids = Array.from({ length: RECORDS_A_REQUEST }, (_, record) => `${lane}.${request}.${record}`)
      this.sent += ids.length
      if (await this.#send(lane, ids)) this.acknowledged.push(...ids)
      else await sleep(20)
    }
  }

  #send(lane: number, ids: readonly string[]): Promise<boolean> {
    const records = ids.map((id) => ({ body: bodyOf(id), time: BigInt(Date.now()) * 1_000_000n }))
    const body = logsRequest({ resource: { 'service.name': `lane-${lane}` }, scopes: [{ records }] })
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
    const where = { agent: this.#agent, host: '127.0.0.1', port: this.#port, path: '/v1/logs', method: 'POST', headers }
    return new Promise((resolve) => {
      const call = httpRequest(where, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode === 200))
        response.on('error', () => resolve(false))
      })
      call.on('error', () => resolve(false))
      call.end(body)
    })
  }
}

/** Each different all the way, so that bytes of another would be seen. */
function bodyOf(id: string): string {
  return `${id} ${`<${id}>`.repeat(40)}`
}

/** A CloudWatch in this process, which outlives the daemon and knows when each record came. */
async function startCounting() {
  const seen = new Map<string, number[]>()
  const broken: string[] = []
  const local = await startCloudWatchLocal({
    maxBytes: 2 * 1024 * 1024,
    keepCalls: 0,
    quotas: false,
    onStored: ({ events, stream }) => {
      const now = performance.now()
      for (const { message } of events) {
        const id = message.slice('{"body":"'.length, message.indexOf(' '))
        const lane = `lane-${id.split('.', 1)[0]}`
        const whole = JSON.stringify({ body: bodyOf(id), resource: { 'service.name': lane } })
        if (message !== whole || stream.name !== lane) broken.push(id)
        const times = seen.get(id)
        if (times === undefined) seen.set(id, [now])
        else times.push(now)
      }
    },
  })
  onTestFinished(() => local.close())
  const judge = (acknowledged: readonly string[], kills: readonly Kill[]) => ({
    acknowledged: acknowledged.length,
    missing: acknowledged.filter((id) => !seen.has(id)),
    duplicates: [...seen].flatMap(([id, times]) =>
      times.slice(1).map((_, again) => ({ id, beforeKillMs: untilNext(kills, times[again] ?? 0) })),
    ),
    broken,
  })
  return { local, judge }
}

interface Kill {
  readonly atMs: number
  /** The next process. What came before it was sent by the one that was killed. */
  startedMs: number
}

function untilNext(kills: readonly Kill[], time: number): number {
  const kill = kills.find(({ startedMs }) => startedMs > time)
  return kill === undefined ? Number.POSITIVE_INFINITY : Math.max(0, kill.atMs - time)
}

/** What a crash may repeat beside the calls under way: what was answered in the second before it. */
export const REPEATED_MS = 1_000

/** The promise about restarts, word for word. */
export function expectNothingLost(report: CrashReport): void {
  expect(report.missing.slice(0, 3)).toEqual([])
  expect(report.broken.slice(0, 3)).toEqual([])
  expect(report.duplicates.filter(({ beforeKillMs }) => beforeKillMs > REPEATED_MS).slice(0, 3)).toEqual([])
  expect(report.unaccounted.every((difference) => difference === 0)).toBe(true)
  expect(report.account).toMatchObject({ queued: 0, lost: 0 })
  // Each record is in the account once, however often it was sent: those of unanswered requests may be too.
  expect(report.account.delivered).toBeGreaterThanOrEqual(report.acknowledged)
  expect(report.account.delivered).toBeLessThanOrEqual(report.sent)
}

/** One line of figures, for people. */
export function describeReport(report: CrashReport): string {
  const oldest = report.duplicates.reduce((most, { beforeKillMs }) => Math.max(most, beforeKillMs), 0)
  return [
    `${report.readyMs.length - 1} kills, ${report.acknowledged} records acknowledged, ${report.missing.length} missing`,
    `${report.duplicates.length} doubled, first stored at most ${Math.round(oldest)} ms before a kill`,
    `ready after at most ${Math.max(...report.readyMs)} ms`,
  ].join('; ')
}
