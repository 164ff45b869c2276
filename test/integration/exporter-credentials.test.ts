import { diag, type DiagLogger, DiagLogLevel } from '@opentelemetry/api'
import { expect, onTestFinished, test, vi } from 'vitest'
import { library, localCloudWatch, problem, storedBodies, withoutAws } from './library.ts'

/** What the application's OpenTelemetry diagnostics hear, by level. */
function diagnostics(): string[] {
  const heard: string[] = []
  const hear =
    (level: string) =>
    (message: string): void =>
      void heard.push(`${level}: ${message}`)
  const logger: DiagLogger = {
    error: hear('error'),
    warn: hear('warn'),
    info: hear('info'),
    debug: hear('debug'),
    verbose: hear('verbose'),
  }
  diag.setLogger(logger, DiagLogLevel.INFO)
  heard.length = 0
  onTestFinished(() => diag.disable())
  return heard
}

const NONE = 'error: CloudWatchLogRecordExporter: no AWS credentials were found; records wait until there are some'

test('without credentials: said once, forceFlush says so, records wait, and go when there are some', async () => {
  withoutAws()
  const heard = diagnostics()
  const local = await localCloudWatch()
  const { exporter, send } = await library({ credentials: undefined }, local)
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => exporter.ledger.retries >= 3, { timeout: 20_000 })
  await expect(exporter.forceFlush()).rejects.toThrow('no AWS credentials were found; 1 records wait')
  await expect(exporter.forceFlush()).rejects.toThrow('no AWS credentials were found; 1 records wait')
  expect(heard.filter((line) => line === NONE)).toHaveLength(1)
  expect(local.calls.all).toEqual([])

  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  await exporter.forceFlush()
  expect((await sent).code).toBe(0)
  expect(storedBodies(local)).toEqual(['a'])
})

test('a shutdown without credentials does not wait for its time to be over', async () => {
  withoutAws()
  const heard = diagnostics()
  const { exporter, send } = await library({ credentials: undefined, flushTimeoutMillis: 600_000 })
  const sent = send({ body: 'a' })
  await vi.waitUntil(() => exporter.ledger.retries >= 1, { timeout: 20_000 })
  await exporter.shutdown()
  expect(problem(await sent)).toBe('not every record was delivered: 1 lost: shutdown')
  expect(heard.at(-1)).toBe(
    'error: CloudWatchLogRecordExporter: 1 records could not be sent before shutdown and are lost',
  )
})

test('without a Region: every export fails and says what to write, until there is one', async () => {
  withoutAws()
  const { exporter, local, send } = await library({ region: '' })
  const first = await send({ body: 'a' })
  expect(problem(first)).toBe('the exporter could not start')
  expect(first.error?.cause).toMatchObject({
    message: 'region: none is set: write region, or set AWS_REGION (instance metadata was asked too)',
  })
  await expect(exporter.forceFlush()).resolves.toBeUndefined()

  vi.stubEnv('AWS_REGION', 'eu-central-1')
  expect((await send({ body: 'b' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['b'])
  expect(local.calls.all.at(-1)?.region).toBe('eu-central-1')
})

test('a certificate file that cannot be read is named', async () => {
  const { send } = await library({ certificateFilePath: '/nonexistent/ca.pem' })
  const { error } = await send({ body: 'a' })
  expect(error?.cause).toMatchObject({
    message:
      'certificate_file_path: /nonexistent/ca.pem cannot be read: write the path of a PEM file this process may read',
  })
})
