// What the library's calls take beside their parts: the serializer of OpenTelemetry's transformer, and the transcoder.
//   node test/bench/library.ts
//
// Timed is the call alone, on the caller's thread; what is sent after it goes to a sink over TLS, untimed.

import { fork } from 'node:child_process'
import { join } from 'node:path'
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { CloudWatchLogRecordExporter, type ExportResult } from '../../src/index.ts'
import { ask } from './measure/ask.ts'
import { exampleRecords, exampleRequest } from './load/requests.ts'
import { median, medianAndSpread, round } from './report/statistics.ts'
import { CA } from './targets/target-config.ts'
import { makeTranscoder } from './transcoder.ts'

const RECORDS = 512
const ROUNDS = 200
const RUNS = 7
const WARM_UP_RUNS = 2

const sink = fork(join(import.meta.dirname, 'measure', 'sink.ts'), ['0'])
const { port } = await ask<{ port: number }>(sink)
const exporter = new CloudWatchLogRecordExporter({
  logGroupName: '/{service.name}',
  logStreamName: '{k8s.pod.name}',
  region: 'us-east-1',
  endpoint: `https://localhost:${port}`,
  certificateFilePath: CA,
  credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
})
const transcoder = makeTranscoder(false)
const bytes = exampleRequest(RECORDS)
// The times of the records are those of the request, so that CloudWatch would take them.
const records = exampleRecords(RECORDS).map((record) => ({ ...record, hrTime: now(), hrTimeObserved: now() }))

const figures = { serializer: [], transcoder: [], export: [], exportSerialized: [] } as Record<Part, number[]>
type Part = 'serializer' | 'transcoder' | 'export' | 'exportSerialized'

for (let run = -WARM_UP_RUNS; run < RUNS; run++) {
  const times: Record<Part, number> = { serializer: 0, transcoder: 0, export: 0, exportSerialized: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    timed(times, 'serializer', () => ProtobufLogsSerializer.serializeRequest(records))
    timed(times, 'transcoder', () => transcoder.transcode(bytes, Date.now()))
    await exported((done) => timed(times, 'export', () => exporter.export(records, done)))
    await exported((done) => timed(times, 'exportSerialized', () => exporter.exportSerialized(bytes, done)))
  }
  if (run < 0) continue
  for (const part in times) figures[part as Part].push((times[part as Part] * 1_000) / (ROUNDS * RECORDS))
}
await exporter.shutdown()
sink.disconnect()

for (const [part, times] of Object.entries(figures))
  process.stdout.write(`${part.padEnd(40)} ${medianAndSpread(times, 2)} us a record\n`)
const middle = (part: Part) => median(figures[part])
const whole = middle('export') / (middle('serializer') + middle('transcoder'))
process.stdout.write(`export / (serializer + transcoder)       ${round(whole, 2)}\n`)
process.stdout.write(
  `exportSerialized / transcoder            ${round(middle('exportSerialized') / middle('transcoder'), 2)}\n`,
)

function timed(times: Record<Part, number>, part: Part, call: () => void): void {
  const started = performance.now()
  call()
  times[part] += performance.now() - started
}

function exported(start: (done: (result: ExportResult) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start(({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error('the export failed'))))
  })
}

function now(): [number, number] {
  return [Math.floor(Date.now() / 1_000), 0]
}
