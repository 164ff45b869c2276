// CPU of the transcoder alone, and of decode + JSON.stringify beside it on the same bytes.
//   node test/bench/transcode.ts

import { decodeLogs } from '../../src/otlp/logs.ts'
import { exampleRequest } from './load/requests.ts'
import { makeTranscoder } from './transcoder.ts'

const RECORDS = 512
const ROUNDS = 400
const RUNS = 5

const full = makeTranscoder(false)
const raw = makeTranscoder(true)
const routed = makeTranscoder(false, true)
const bytes = exampleRequest(RECORDS)
const now = Date.now()

const rows: Readonly<Record<string, () => number>> = {
  'transcode, full events': () => full.transcode(bytes, now).records,
  'transcode, full events, templates and entity': () => routed.transcode(bytes, now).records,
  'transcode, raw_log': () => raw.transcode(bytes, now).records,
  'decode into objects + JSON.stringify': () =>
    JSON.stringify(decodeLogs(bytes), (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))
      .length,
}

for (const [name, once] of Object.entries(rows)) {
  const figures: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const started = process.cpuUsage()
    for (let round = 0; round < ROUNDS; round++) if (once() === 0) throw new Error(`${name} did nothing`)
    const { user, system } = process.cpuUsage(started)
    figures.push((user + system) / (ROUNDS * RECORDS))
  }
  figures.sort((a, b) => a - b)
  const [least = 0, , median = 0, , most = 0] = figures
  process.stdout.write(
    `${name.padEnd(46)} ${median.toFixed(2)} us a record (${least.toFixed(2)} to ${most.toFixed(2)})\n`,
  )
}
