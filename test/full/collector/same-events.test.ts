// The same config and the same requests, to the Go collector and to the daemon: what is stored is the same, or differs as
// config/differences-from-the-go-collector.md says.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { goCollector } from '../../bench/targets/go-collector.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { configFile, type Daemon, freePort, startDaemon } from '../../integration/daemon/daemon.ts'
import { parseMessage } from '../../integration/clients/sdk-events.ts'
import { startGoCollector } from './go-collector.ts'
import { GO_INSTALL_TIMEOUT_MS, goTools } from '../go-tools.ts'
import { type Case, FIRST_TIME_MS, type Shown } from './same-events-case.ts'
import { ALIKE } from './same-events-cases.ts'
import { DIFFERENT } from './same-events-differences.ts'

const CASES = [...ALIKE, ...DIFFERENT]

const PAGE = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'config', 'differences-from-the-go-collector.md'),
  'utf8',
)

/** One request goes to both exporters: as events, and as bodies alone. */
const EXPORTERS = { events: 'awscloudwatchlogs', raw: 'awscloudwatchlogs/raw' } as const
type Exporter = keyof typeof EXPORTERS

const exporter = (name: Exporter) => ({
  log_group_name: `/${name}/{ClusterName}/{ServiceName}`,
  log_stream_name: '{InstanceId}',
  region: 'us-east-1',
  endpoint: '${env:CLOUDWATCH}',
  raw_log: name === 'raw',
  // Else a request with one bad record has its good ones stored again and again by the Go exporter.
  retry_on_failure: { enabled: false },
})

/** Run as it is by both. */
const CONFIG = {
  receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:${env:OTLP_PORT}' } } } },
  exporters: { [EXPORTERS.events]: exporter('events'), [EXPORTERS.raw]: exporter('raw') },
  service: {
    pipelines: { logs: { receivers: ['otlp'], exporters: Object.values(EXPORTERS) } },
    telemetry: { logs: { encoding: 'json' }, metrics: { level: 'none' } },
  },
}

interface StoredEvent {
  readonly exporter: string
  /** Without what the exporter's groups begin with. */
  readonly group: string
  readonly stream: string
  /** ms after `FIRST_TIME_MS`, or `now` for any time of the test. */
  readonly at: number | 'now'
  readonly message: string
}

const go = await goTools()

describe.skipIf(go.missing !== undefined)(`the Go collector and the daemon ${go.missing ?? ''}`, () => {
  let program = ''
  beforeAll(async () => {
    program = await goCollector()
  }, GO_INSTALL_TIMEOUT_MS)

  test('store the same events for the same requests', { timeout: 120_000 }, async () => {
    const file = await configFile(CONFIG)
    const theirs = await stored((env) => startGoCollector(program, file, env))
    const ours = await stored((env) => startDaemon(file, { env }))
    for (const each of CASES)
      for (const name of ['events', 'raw'] as const)
        compare(each, name, eventsOf(theirs, each, name), eventsOf(ours, each, name))
    const streams = new Set(CASES.map(({ stream }) => stream))
    expect([...theirs, ...ours].filter(({ stream }) => !streams.has(stream))).toEqual([])
  })
})

test('each difference is on its page', () => {
  for (const { differs = [] } of DIFFERENT)
    for (const { row } of differs) expect.soft(PAGE.includes(`\n| ${row} `), row).toBe(true)
})

function compare(
  { name, records, unsorted = false, differs = [] }: Case,
  exporter: Exporter,
  theirs: readonly StoredEvent[],
  ours: readonly StoredEvent[],
): void {
  const what = `${name} (${exporter})`
  const difference = differs.find((each) => each.exporter === exporter)
  if (difference !== undefined) {
    expect.soft(theirs.map(shown), `${what}, the collector: ${difference.row}`).toEqual(difference.go)
    expect.soft(ours.map(shown), `${what}, the daemon: ${difference.row}`).toEqual(difference.here)
    return
  }
  expect.soft(ours.map(parsed), what).toEqual(theirs.map(parsed))
  if (exporter === 'events') expect.soft(ours.length, what).toBe(records)
  if (unsorted) return
  const escaped = ours.map(({ message }) => (exporter === 'events' ? asGoEscapes(message) : message))
  expect.soft(escaped, `${what}, as text`).toEqual(theirs.map(({ message }) => message))
}

/** Starts one of the two, sends it every request, stops it, and returns what it had stored by then. */
async function stored(start: (env: Readonly<Record<string, string>>) => Promise<Daemon>): Promise<StoredEvent[]> {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  const port = await freePort()
  const started = Date.now()
  const daemon = await start({ CLOUDWATCH: local.url, OTLP_PORT: String(port) })
  for (const { request } of CASES) await post(port, request)
  // Both send what they still hold before they end.
  expect(await daemon.stop()).toBe(0)
  return eventsIn(local, started)
}

async function post(port: number, request: Case['request']): Promise<void> {
  const json = typeof request === 'string'
  const response = await fetch(`http://127.0.0.1:${port}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': json ? 'application/json' : 'application/x-protobuf' },
    body: json ? request : Uint8Array.from(request),
  })
  const answer = await response.text()
  if (response.status >= 500) throw new Error(`${response.status} ${answer}`)
}

function eventsIn(local: CloudWatchLocal, started: number): StoredEvent[] {
  return local.events().map(({ group, stream, timestamp, message }) => {
    const [, exporter = '', rest = ''] = /^\/(events|raw)\/(.*)$/.exec(group) ?? [undefined, 'raw', group]
    const now = timestamp >= started && timestamp <= Date.now()
    return { exporter, group: rest, stream, at: now ? 'now' : timestamp - FIRST_TIME_MS, message }
  })
}

function eventsOf(events: readonly StoredEvent[], { stream }: Case, exporter: Exporter): StoredEvent[] {
  return events.filter((event) => event.exporter === exporter && event.stream === stream)
}

function parsed({ group, at, message }: StoredEvent): Shown {
  try {
    return { group, at, message: parseMessage(message) }
  } catch {
    // Not JSON: a body that is text, with raw_log.
    return { group, at, message }
  }
}

/** Without the resource, which would be the same in all. */
function shown(event: StoredEvent): Shown {
  const { group, at, message } = parsed(event)
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return { group, at, message }
  const { resource: _, ...rest } = message as Readonly<Record<string, unknown>>
  return { group, at, message: rest }
}

/** Of JSON: encoding/json escapes these, which stand in strings only. */
function asGoEscapes(message: string): string {
  return message.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
