// What a refused request costs: CPU of the daemon for requests that are all refused, because the byte budget is full, over
// that for requests that are all taken. The goal is a tenth.
//
//   node test/bench/refusals.ts                     # dist/main.js, 5 s each
//   node test/bench/refusals.ts --seconds 10 --repeat 3 --target source --protocol http,grpc

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { templates } from './load/requests.ts'
import { type Protocol, PROTOCOLS, type Row, rowNamed } from './rows.ts'
import { onScene } from './measure/scene.ts'
import { connectGrpc } from './load/send-grpc.ts'
import { connectHttp } from './load/send-http.ts'
import type { Send, SendOutcome } from './load/send.ts'
import { median, round } from './report/statistics.ts'
import { type Prepared, prepare, TARGETS } from './targets/targets.ts'
import { cpuSeconds } from './measure/usage.ts'

/** Refused over taken (design goal). */
const MAX_RATIO = 0.1
/** The whole byte budget, so that a few requests fill it. */
const BUDGET_MIB = 64
/** ms that the sink takes for a put while the budget is to stay full: longer than any run. */
const NEVER_MS = 3_600_000
/** Refusals in a row after which the budget counts as full. */
const FULL_AFTER = 200
/** Records of each request in the row that is measured, in flight at once. */
const ROW = rowNamed('batch')
/** Requests that are sent again and again: their bytes count, not what is in them. */
const SAMPLES = 4

interface Case {
  readonly protocol: Protocol
  readonly gzip: boolean
}

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: 'dist' },
    seconds: { type: 'string', default: '5' },
    repeat: { type: 'string', default: '1' },
    protocol: { type: 'string', default: PROTOCOLS.join(',') },
  },
})
const SECONDS = Number(values.seconds)
const target = TARGETS[values.target]
if (target === undefined || !target.ours || !(SECONDS > 0))
  throw new Error('write --target dist or source, and --seconds with a number above 0')
const [prepared] = await prepare([values.target])
if (prepared !== undefined) await bench(prepared)

async function bench(prepared: Prepared): Promise<void> {
  const lines: string[] = []
  let over = 0
  for (const protocol of PROTOCOLS.filter((name) => values.protocol.split(',').includes(name)))
    for (const gzip of [false, true]) {
      const taken: number[] = []
      const refused: number[] = []
      for (let run = 0; run < Number(values.repeat); run++) {
        taken.push(await measureTaken(prepared, { protocol, gzip }))
        refused.push(await measureRefused(prepared, { protocol, gzip }))
      }
      const ratio = median(refused) / median(taken)
      if (ratio > MAX_RATIO) over++
      const cells = [
        `${protocol}${gzip ? ' gzip' : ''}`,
        micros(median(taken)),
        micros(median(refused)),
        ratio.toFixed(3),
      ]
      process.stderr.write(`${cells.join('  ')}\n`)
      lines.push(`| ${cells.join(' | ')} |`)
    }
  process.stdout.write(
    `| request | taken, CPU µs | refused, CPU µs | ratio |\n| --- | --- | --- | --- |\n${lines.join('\n')}\n` +
      `${over} over ${MAX_RATIO}\n`,
  )
}

function micros(seconds: number): string {
  return round(seconds * 1e6, 0)
}

/** CPU seconds of a request that is taken and delivered. */
function measureTaken(prepared: Prepared, traffic: Case): Promise<number> {
  return measure(prepared, traffic, { ...ROW, putLatencyMs: 0 }, async (load, pid) => {
    await load(1)
    const before = cpuSeconds(pid)
    const { taken } = await load(SECONDS)
    // What waits is delivered within a flush interval.
    await sleep(2_000)
    return (cpuSeconds(pid) - before) / taken
  })
}

/** CPU seconds of a request that is refused because the byte budget is full. */
function measureRefused(prepared: Prepared, traffic: Case): Promise<number> {
  return measure(prepared, traffic, { ...ROW, putLatencyMs: NEVER_MS }, async (load, pid) => {
    for (;;) {
      const { taken, refused } = await load(1)
      if (taken === 0 && refused >= FULL_AFTER) break
    }
    const before = cpuSeconds(pid)
    const { taken, refused } = await load(SECONDS)
    const spent = cpuSeconds(pid) - before
    // It would wait for its puts until its shutdown_timeout.
    process.kill(pid, 'SIGKILL')
    if (taken > 0) throw new Error(`${taken} of ${refused + taken} requests were taken by a full budget`)
    return spent / refused
  })
}

type Load = (seconds: number) => Promise<Readonly<Record<SendOutcome, number>>>

function measure(
  prepared: Prepared,
  { protocol, gzip }: Case,
  row: Row,
  act: (load: Load, pid: number) => Promise<number>,
): Promise<number> {
  const processors = { memory_limiter: { check_interval: '1s', limit_mib: BUDGET_MIB } }
  const limited = { ...prepared, target: { ...prepared.target, processors } }
  const [template] = templates(row.traffic, protocol === 'json')
  if (template === undefined) throw new Error('the row has no requests')
  const bodies = Array.from({ length: SAMPLES }, (_, i) => {
    const body = template.stamp(i * template.records, Date.now())
    return gzip ? gzipSync(body, { level: 1 }) : body
  })
  return onScene(limited, row, 'memory', ({ target: running }) => {
    const options = { port: running.port(protocol), json: protocol === 'json', gzip }
    const senders = Array.from({ length: row.traffic.inFlight }, () =>
      protocol === 'grpc' ? connectGrpc(options) : connectHttp(options),
    )
    return act((seconds) => sendFor(seconds, senders, bodies), running.pid)
  })
}

/** Sends without a pause, also after a refusal. */
async function sendFor(
  seconds: number,
  senders: readonly Send[],
  bodies: readonly Buffer[],
): Promise<Readonly<Record<SendOutcome, number>>> {
  const outcomes = { taken: 0, refused: 0, unknown: 0 }
  const until = performance.now() + seconds * 1_000
  await Promise.all(
    senders.map(async (send, i) => {
      for (let turn = i; performance.now() < until; turn++) {
        const body = bodies[turn % bodies.length]
        if (body !== undefined) outcomes[await send(body)]++
      }
    }),
  )
  if (outcomes.unknown > 0) throw new Error(`${outcomes.unknown} connections broke before an answer`)
  return outcomes
}
