// Sends records to a target, with a number of requests always under way or at a fixed rate.
//   fork('load.ts', [protocol, port, traffic as JSON])     tells { ready: true } once connected, then answers each
//                                                          LoadOrder with a LoadResult when its seconds are over

import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { IdRange } from './ids.ts'
import { templates } from './requests.ts'
import type { Protocol, Traffic } from '../rows.ts'
import { connectGrpc } from './send-grpc.ts'
import { connectHttp } from './send-http.ts'

export interface LoadOrder {
  readonly seconds: number
  /** Records a second; undefined is as fast as they are taken. */
  readonly rate: number | undefined
}

export interface LoadResult {
  /** Records acknowledged, of this order. */
  readonly taken: number
  /** Requests of this order with a retryable answer. */
  readonly waits: number
  /** ms from when a request was due until it was acknowledged. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of all orders: ids `[0, issued)` were sent. */
  readonly issued: number
  readonly refused: readonly IdRange[]
  readonly unknown: readonly IdRange[]
}

/** A sender doubles its wait with each retryable answer in a row. */
const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1_000

const [protocol, port, trafficJson] = process.argv.slice(2) as [Protocol, string, string]
const traffic = JSON.parse(trafficJson) as Traffic
const requests = templates(traffic, protocol === 'json')
const options = { port: Number(port), json: protocol === 'json', gzip: traffic.gzip }
const senders = Array.from({ length: traffic.inFlight }, () =>
  protocol === 'grpc' ? connectGrpc(options) : connectHttp(options),
)
const refused: IdRange[] = []
const unknown: IdRange[] = []
let issued = 0
let turn = 0

process.on('message', (order: LoadOrder) => {
  run(order).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      process.stderr.write(`load: ${String(error)}\n`)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ ready: true })

async function run({ seconds, rate }: LoadOrder): Promise<LoadResult> {
  const until = performance.now() + seconds * 1_000
  const latencies: number[] = []
  let due = performance.now()
  let taken = 0
  let waits = 0
  await Promise.all(
    senders.map(async (send) => {
      let waitMs = FIRST_WAIT_MS
      while (performance.now() < until) {
        const request = requests[turn++ % requests.length]
        if (request === undefined) throw new Error('the traffic has no requests')
        const start = rate === undefined ? performance.now() : due
        if (rate !== undefined) due += (request.records / rate) * 1_000
        if (start >= until) break
        if (start > performance.now()) await sleep(start - performance.now())
        const ids = { first: issued, count: request.records }
        issued += request.records
        const stamped = request.stamp(ids.first, Date.now())
        const outcome = await send(traffic.gzip ? gzipSync(stamped, { level: 1 }) : stamped)
        if (outcome === 'taken') {
          latencies.push(performance.now() - start)
          taken += request.records
          waitMs = FIRST_WAIT_MS
        } else {
          ;(outcome === 'refused' ? refused : unknown).push(ids)
          waits++
          await sleep(waitMs * (0.5 + Math.random() / 2))
          waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
        }
      }
    }),
  )
  latencies.sort((a, b) => a - b)
  const quantile = (q: number) => latencies[Math.floor(latencies.length * q)] ?? 0
  return { taken, waits, p50Ms: quantile(0.5), p99Ms: quantile(0.99), issued, refused, unknown }
}
