// CPU of the transcoder alone, and of decode + JSON.stringify beside it on the same bytes.
//   node test/bench/transcode.ts

import { decodeLogs } from '../../src/otlp/logs.ts'
import { DestinationGate, destination } from '../../src/exporters/awscloudwatchlogs/destination.ts'
import { Router } from '../../src/exporters/awscloudwatchlogs/route.ts'
import { parseTemplate, type NameKind, type Template } from '../../src/exporters/awscloudwatchlogs/template.ts'
import { Transcoder } from '../../src/exporters/awscloudwatchlogs/transcode.ts'
import { exampleRequest } from './requests.ts'

const RECORDS = 512
const ROUNDS = 400
const RUNS = 5

const template = (kind: NameKind, text: string) => parseTemplate(kind, text) as Template
const gate = new DestinationGate({
  allowedGroups: [],
  maxNewAnHour: 1_000,
  overflow: destination('overflow', 'overflow'),
  late: destination('late', 'late'),
})
const options = {
  routeFromBody: false,
  maxMessageBytes: 1_048_550,
  onOversize: 'cut',
  maxTextBytes: 2 ** 30,
  lateEvents: 'reject',
} as const
const router = () => new Router(template('group', '/{service.name}'), template('stream', '{k8s.pod.name}'), gate)
const full = new Transcoder(router(), { ...options, rawLog: false })
const raw = new Transcoder(router(), { ...options, rawLog: true })
const bytes = exampleRequest(RECORDS)
const now = Date.now()

const rows: Readonly<Record<string, () => number>> = {
  'transcode, full events': () => full.transcode(bytes, now).records,
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
    `${name.padEnd(40)} ${median.toFixed(2)} us a record (${least.toFixed(2)} to ${most.toFixed(2)})\n`,
  )
}
