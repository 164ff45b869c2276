// fapilog's own CloudWatch sink beside the daemon: the same variables, the same messages, the same local CloudWatch. Each
// test shows a loss that the sink does not report, and that the daemon stores the same record, or counts it with a reason.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { FAPILOG_SETTINGS } from '../../../src/config/sources/fapilog-variables.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { httpSender } from '../daemon/daemon-senders.ts'
import { CLEAN_ENVIRONMENT, type Daemon, startDaemon } from '../daemon/daemon.ts'
import { pythonTools } from './python.ts'

const GUIDE = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'docs', 'guides', 'moving-from-fapilog.md'),
  'utf8',
)
const MAIN = `
import asyncio
from otlp_sink import make_logger

async def main():
    logger = await make_logger()
    for i in range(250):
        await logger.info(f"message {i}")
    await logger.stop_and_drain()

asyncio.run(main())
`
const SCRIPT = join(import.meta.dirname, 'fapilog-send.py')
const WAIT = { timeout: 60_000, interval: 50 }
const python = await pythonTools()

/** The code blocks of the guide in a language. */
function blocksOf(language: string): string[] {
  return [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text)
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fapilog-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

type Variables = Readonly<Record<string, string>>

describe.skipIf(python.missing !== undefined)(`fapilog and the daemon ${python.missing ?? ''}`, () => {
  let local: CloudWatchLocal
  beforeEach(async () => {
    local = await startCloudWatchLocal({ quotas: false })
    return () => local.close()
  })

  /** The same for both, except for the group. */
  const variables = (group: string, more: Variables): Variables => ({
    FAPILOG_CLOUDWATCH__LOG_GROUP_NAME: group,
    FAPILOG_CLOUDWATCH__LOG_STREAM_NAME: 'app',
    FAPILOG_CLOUDWATCH__REGION: 'us-east-1',
    FAPILOG_CLOUDWATCH__ENDPOINT_URL: local.url,
    // No batch is sent for its age while a test runs.
    FAPILOG_CLOUDWATCH__BATCH_TIMEOUT_SECONDS: '3600',
    ...more,
  })

  /** @returns what fapilog reports after `stop_and_drain` */
  async function sendWithFapilog(messages: readonly string[], more: Variables = {}): Promise<object> {
    const file = join(await temporaryFolder(), 'messages.json')
    await writeFile(file, JSON.stringify(messages))
    const { stdout } = await python.run([SCRIPT, file], { ...CLEAN_ENVIRONMENT, ...variables('/fapilog', more) })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as object
  }

  async function startWithVariables(more: Variables = {}): Promise<Daemon> {
    const sockets = ['grpc', 'http'].map((protocol) => `receivers.otlp.protocols.${protocol}.endpoint=127.0.0.1:0`)
    return startDaemon(undefined, { set: sockets, env: variables('/daemon', more) })
  }

  async function sendWithOtlp(daemon: Daemon, messages: readonly string[]): Promise<number> {
    const answer = await httpSender(daemon)(recordsRequest(...messages.map((body) => ({ body }))))
    return answer.kind === 'taken' ? answer.rejected : Number.NaN
  }

  /** The messages stored in a group, by either form of an event. */
  function stored(group: string): string[] {
    return local.events(group).map(({ message }) => {
      const { body, message: text = body } = JSON.parse(message) as {
        readonly body?: string
        readonly message?: string
      }
      return text ?? ''
    })
  }

  test('the settings and the three forms of their variables are those of fapilog', async () => {
    const code = `
import json
from fapilog.core.settings import CloudWatchSinkSettings, Settings, SizeGuardSettings
settings = Settings()
print(json.dumps({
    "sink": sorted(CloudWatchSinkSettings.model_fields),
    "size_guard": sorted(SizeGuardSettings.model_fields),
    "read": [settings.sink_config.cloudwatch.batch_size, settings.sink_config.cloudwatch.max_retries,
             settings.processor_config.size_guard.max_bytes, settings.processor_config.size_guard.action],
}))`
    const { stdout } = await python.run(['-c', code], {
      ...CLEAN_ENVIRONMENT,
      FAPILOG_CLOUDWATCH__BATCH_SIZE: '7',
      FAPILOG_SINK_CONFIG__CLOUDWATCH__MAX_RETRIES: '8',
      FAPILOG_SIZE_GUARD__MAX_BYTES: '900',
      FAPILOG_PROCESSOR_CONFIG__SIZE_GUARD__ACTION: 'drop',
    })
    expect(JSON.parse(stdout)).toEqual({
      sink: Object.keys(FAPILOG_SETTINGS.sink).toSorted(),
      size_guard: Object.keys(FAPILOG_SETTINGS.size_guard).toSorted(),
      read: [7, 8, 900, 'drop'],
    })
  })

  test('the last batch: fapilog drops it at stop_and_drain, the daemon sends it at SIGTERM', async () => {
    const messages = Array.from({ length: 250 }, (_, i) => `message ${i}`)
    expect(await sendWithFapilog(messages)).toEqual({ submitted: 250, processed: 250, dropped: 0 })
    expect(stored('/fapilog').toSorted()).toEqual(messages.slice(0, 200).toSorted())

    const daemon = await startWithVariables()
    expect(await sendWithOtlp(daemon, messages)).toBe(0)
    expect(await daemon.stop()).toBe(0)
    expect(stored('/daemon').toSorted()).toEqual(messages.toSorted())
  })

  test('a message over 256 KiB: fapilog drops it and reports dropped 0, the daemon stores it', async () => {
    const messages = ['before', 'x'.repeat(300_000), 'after']
    const oneByOne = { FAPILOG_CLOUDWATCH__BATCH_SIZE: '1' }
    expect(await sendWithFapilog(messages, oneByOne)).toEqual({ submitted: 3, processed: 3, dropped: 0 })
    expect(stored('/fapilog')).toEqual(['before', 'after'])

    const daemon = await startWithVariables(oneByOne)
    expect(await sendWithOtlp(daemon, messages)).toBe(0)
    expect(await daemon.stop()).toBe(0)
    expect(stored('/daemon')).toEqual(messages)
  })

  test('a message dropped for its size: the sender learns it, and it is counted', async () => {
    const guard = { FAPILOG_SIZE_GUARD__MAX_BYTES: '1000', FAPILOG_SIZE_GUARD__ACTION: 'drop' }
    const daemon = await startWithVariables(guard)
    expect(await sendWithOtlp(daemon, ['before', 'x'.repeat(2_000), 'after'])).toBe(1)
    expect((await daemon.metrics()).records('rejected', 'too_large')).toBe(1)
    expect(await daemon.stop()).toBe(0)
    expect(stored('/daemon')).toEqual(['before', 'after'])
  })

  test('rejectedLogEventsInfo: fapilog does not read it, the daemon counts the events as rejected', async () => {
    local.faults.rejectAll('too_old')
    const oneByOne = { FAPILOG_CLOUDWATCH__BATCH_SIZE: '1' }
    expect(await sendWithFapilog(['a', 'b'], oneByOne)).toEqual({ submitted: 2, processed: 2, dropped: 0 })
    expect(stored('/fapilog')).toEqual([])

    const daemon = await startWithVariables(oneByOne)
    expect(await sendWithOtlp(daemon, ['a', 'b'])).toBe(0)
    await vi.waitFor(async () => expect((await daemon.metrics()).records('rejected', 'too_old')).toBe(2), WAIT)
    expect((await daemon.metrics()).unaccounted).toBe(0)
  })

  test('the sink of the guide: fapilog hands its records to the daemon of the guide, and none is lost', async () => {
    const [config = ''] = blocksOf('yaml').filter((text) => text.includes('receivers:'))
    const [sink = ''] = blocksOf('python').filter((text) => text.includes('class OtlpSink'))
    const folder = await temporaryFolder()
    const queue = await temporaryFolder()
    await writeFile(join(folder, 'daemon.yaml'), config)
    await writeFile(join(folder, 'otlp_sink.py'), sink)
    await writeFile(join(folder, 'main.py'), MAIN)
    const daemon = await startDaemon(join(folder, 'daemon.yaml'), {
      set: [
        `extensions.file_storage.directory=${queue}`,
        'receivers.otlp.protocols.http.endpoint=127.0.0.1:0',
        `exporters.awscloudwatchlogs.endpoint=${local.url}`,
      ],
    })
    const endpoint = `http://127.0.0.1:${daemon.httpPort}`
    await python.run([join(folder, 'main.py')], { ...CLEAN_ENVIRONMENT, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    expect(await daemon.stop()).toBe(0)
    const messages = Array.from({ length: 250 }, (_, i) => `message ${i}`)
    expect(stored('/myapp/prod').toSorted()).toEqual(messages.toSorted())
  })

  test('an outage of a few seconds: fapilog drops what failed max_retries times, the daemon waits without them', async () => {
    const refusing = local.faults.fail(503, { operation: 'PutLogEvents' })
    const soon = { FAPILOG_CLOUDWATCH__BATCH_SIZE: '1', FAPILOG_CLOUDWATCH__RETRY_BASE_DELAY: '0.01' }
    expect(await sendWithFapilog(['a'], soon)).toEqual({ submitted: 1, processed: 1, dropped: 0 })
    expect(stored('/fapilog')).toEqual([])

    const daemon = await startWithVariables(soon)
    const before = refusing.hits
    expect(await sendWithOtlp(daemon, ['a'])).toBe(0)
    await vi.waitFor(() => expect(refusing.hits - before).toBeGreaterThan(3), WAIT)
    refusing.off()
    await vi.waitFor(() => expect(stored('/daemon')).toEqual(['a']), WAIT)
  })
})
