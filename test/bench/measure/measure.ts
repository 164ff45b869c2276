// One figure of the tables: one target, one case, from a cold start to the last record.

import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from './ask.ts'
import type { Audit } from '../load/ids.ts'
import type { LoadOrder, LoadResult } from '../load/load.ts'
import { type Case, type Row, rowNamed } from '../rows.ts'
import { onScene } from './scene.ts'
import type { SinkCounts, SinkQuestion } from './sink.ts'
import type { Prepared } from '../targets/targets.ts'
import { cpuSeconds, pssMib } from './usage.ts'

export interface Measurement extends Audit {
  /** Records a second that reached the sink while the load ran. */
  readonly delivered: number
  /** CPU seconds per million records, from the first request until the last record was delivered. */
  readonly cpu: number
  /** Processors that were busy while the load ran: with the target, and with the load and the sink. */
  readonly cores: number
  readonly otherCores: number
  /** MiB while the load ran: the mean, and the most that was seen. */
  readonly pss: number
  readonly pssPeak: number
  /** ms until a request was acknowledged. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Seconds that the oldest record had waited when it was put. */
  readonly oldest: number
  readonly putsASecond: number
  /** Puts over the fewest that flush intervals allow; NaN where streams fill a put sooner. */
  readonly putsOverLeast: number
  readonly bytesARecord: number
  /** Requests with a retryable answer. */
  readonly waits: number
}

export interface Timing {
  readonly warmUpSeconds: number
  readonly seconds: number
}

const SAMPLE_MS = 1_000
/** Nothing stored for so long: the rest is lost. Longer than lanes wait where there are many. */
const STALLED_MS = 45_000
const FLUSH_SECONDS = 1
/** Puts a second over all lanes, by default. */
const MAX_PUTS = 500
const MAX_PUT_BYTES = 1_048_576

export function measure(prepared: Prepared, { row: name, protocol, queue, rate }: Case, timing: Timing) {
  const row = rowNamed(name)
  return onScene(prepared, row, queue, async ({ sink, target, load }) =>
    measureRunning(target.pid, sink, await load(protocol), row, rate === 'max' ? undefined : Number(rate), timing),
  )
}

async function measureRunning(
  pid: number,
  sink: ChildProcess,
  load: ChildProcess,
  row: Row,
  rate: number | undefined,
  timing: Timing,
): Promise<Measurement> {
  const seconds = Math.max(timing.seconds, row.leastSeconds)
  const send = (order: LoadOrder) => ask<LoadResult>(load, order)
  const counts = () => ask<SinkCounts>(sink, { ask: 'counts' } satisfies SinkQuestion)

  const warmUp = await send({ seconds: Math.max(timing.warmUpSeconds, row.leastSeconds), rate })
  await untilStored(counts, warmUp.taken)

  const before = await counts()
  const cpuBefore = cpuSeconds(pid)
  const othersBefore = cpuOf(load, sink)
  const memory = sampled(() => pssMib(pid))
  const result = await send({ seconds, rate })
  const after = await counts()
  const cores = (cpuSeconds(pid) - cpuBefore) / seconds
  const otherCores = (cpuOf(load, sink) - othersBefore) / seconds
  const samples = memory.stop()
  await untilStored(counts, before.stored + result.taken)
  const cpu = cpuSeconds(pid) - cpuBefore

  const { issued, refused, unknown } = result
  const audit = await ask<Audit>(sink, { ask: 'audit', issued, refused, unknown } satisfies SinkQuestion)
  const putsASecond = (after.puts - before.puts) / seconds
  return {
    ...audit,
    delivered: (after.stored - before.stored) / seconds,
    cpu: cpu / (result.taken / 1e6),
    cores,
    otherCores,
    pss: samples.reduce((total, sample) => total + sample, 0) / samples.length,
    pssPeak: Math.max(...samples),
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    oldest: after.oldestMs / 1_000,
    putsASecond,
    putsOverLeast: putsASecond / leastPuts(row, (after.bytes - before.bytes) / seconds),
    bytesARecord: (after.bytes - before.bytes) / (after.stored - before.stored),
    waits: result.waits,
  }
}

function cpuOf(...children: readonly ChildProcess[]): number {
  return children.reduce((total, { pid = 0 }) => total + cpuSeconds(pid), 0)
}

/** Puts a second: each stream once in its flush interval, which is longer where there are many streams. */
function leastPuts({ traffic }: Row, bytesASecond: number): number {
  const interval = Math.max(FLUSH_SECONDS, traffic.streams / MAX_PUTS)
  const least = traffic.streams / interval
  return bytesASecond / MAX_PUT_BYTES > least ? Number.NaN : least
}

async function untilStored(counts: () => Promise<SinkCounts>, expected: number): Promise<void> {
  let stored = -1
  let progressAt = performance.now()
  while (stored < expected) {
    const now = await counts()
    if (now.stored > stored) progressAt = performance.now()
    else if (performance.now() - progressAt > STALLED_MS) return
    stored = now.stored
    if (stored < expected) await sleep(100)
  }
}

function sampled(read: () => number): { stop(): readonly number[] } {
  const samples = [read()]
  const timer = setInterval(() => samples.push(read()), SAMPLE_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return [...samples, read()]
    },
  }
}
