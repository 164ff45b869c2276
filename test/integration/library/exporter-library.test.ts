import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { diag } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { CloudWatchLogRecordExporter, type ExportResult } from '../../../src/index.ts'
import { logsRequest, recordsRequest } from '../../fakes/logs-request.ts'
import { exported, library, localCloudWatch, type Options, problem, storedBodies, withoutAws } from './library.ts'

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const OPTIONS = {
  logGroupName: 'group',
  logStreamName: 'stream',
  region: 'us-east-1',
  credentials: KEYS,
}

describe('export', () => {
  test('succeeds only once every record is delivered', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    local.faults.slow(300, { times: 1 })
    let done = false
    const sent = send({ body: 'a' }).then((result) => {
      done = true
      return result
    })
    await vi.waitUntil(() => exporter.ledger.queued === 1, { timeout: 20_000 })
    expect(done).toBe(false)
    expect((await sent).code).toBe(0)
    expect(exporter.ledger.queued).toBe(0)
  })

  test('fails with a count for each reason', async () => {
    const { send } = await library({ rawLog: true, maxEventBytes: 300, onOversize: 'reject' })
    const result = await send(
      { body: 'good' },
      { body: '' },
      {},
      { body: 'x'.repeat(301) },
      { body: 'old', time: 1n },
      { body: 'new', time: 2n ** 63n },
    )
    expect(problem(result)).toBe(
      'not every record was delivered: 2 rejected: empty, 1 rejected: too_large, 1 rejected: too_old, 1 rejected: too_new',
    )
  })

  test('of no records succeeds without a call', async () => {
    const { local, exporter, send } = await library()
    expect((await send()).code).toBe(0)
    expect((await exported(exporter, new Uint8Array(0))).code).toBe(0)
    expect(local.calls.all).toEqual([])
  })

  test('of records that are all rejected fails without a call', async () => {
    const { local, send } = await library()
    expect(problem(await send({ time: 1n }))).toBe('not every record was delivered: 1 rejected: too_old')
    expect(local.calls.all).toEqual([])
  })

  test('of bytes that are no request fails, and the next one succeeds', async () => {
    const { exporter, send } = await library()
    expect(problem(await exported(exporter, Buffer.from('not protobuf')))).toMatch(/ at byte \d+$/)
    expect((await send({ body: 'a' })).code).toBe(0)
    expect(exporter.ledger).toMatchObject({ received: 1, delivered: 1 })
  })

  test('does not keep the caller’s bytes', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    const bytes = recordsRequest({ body: 'mine' })
    const sent = exported(exporter, bytes)
    bytes.fill(0xff)
    expect((await sent).code).toBe(0)
    expect(storedBodies(local)).toEqual(['first', 'mine'])
  })

  test('fails at once when the buffer is full, and works again when it is not', async () => {
    const { local, exporter, send } = await library({ maxBufferBytes: 100_000 })
    await send({ body: 'first' })
    local.faults.deny({ group: 'group' })
    const waiting = [send({ body: 'x'.repeat(40_000) }), send({ body: 'y'.repeat(40_000) })]
    await vi.waitUntil(() => exporter.ledger.queued === 2, { timeout: 20_000 })
    expect(problem(await send({ body: 'z'.repeat(40_000) }))).toMatch(/^the queue is full \(\d+ of 100000 bytes\)/)
    local.faults.clear()
    expect((await Promise.all(waiting)).map(problem)).toEqual([undefined, undefined])
    expect((await send({ body: 'z'.repeat(40_000) })).code).toBe(0)
  })

  test('of more than the buffer could ever hold fails for good, instead of asking for a retry', async () => {
    const { send } = await library({ maxBufferBytes: 100_000 })
    expect(problem(await send(...Array.from({ length: 10 }, () => ({ body: 'x'.repeat(20_000) }))))).toBe(
      'the events of this request would take over 50000 bytes: send fewer records in one request',
    )
  })
})

describe('shutdown and forceFlush', () => {
  test('shutdown delivers all queued records, and a second one does nothing', async () => {
    const { local, exporter, send } = await library({ flushInterval: '1h' })
    const sent = send({ body: 'a' })
    await vi.waitUntil(() => exporter.ledger.queued === 1, { timeout: 20_000 })
    await Promise.all([exporter.shutdown(), exporter.shutdown()])
    await exporter.shutdown()
    expect((await sent).code).toBe(0)
    expect(storedBodies(local)).toEqual(['a'])
  })

  test('every export after shutdown fails', async () => {
    const { exporter, send } = await library()
    await exporter.shutdown()
    expect(problem(await send({ body: 'a' }))).toBe('the exporter has been shut down')
    await expect(exporter.forceFlush()).resolves.toBeUndefined()
  })

  test('shutdown right after the first export does not lose it', async () => {
    const { local, exporter, send } = await library()
    const sent = send({ body: 'a' })
    await exporter.shutdown()
    expect((await sent).code).toBe(0)
    expect(storedBodies(local)).toEqual(['a'])
  })

  test('forceFlush before the first export has nothing to do', async () => {
    const { local, exporter } = await library()
    await expect(exporter.forceFlush()).resolves.toBeUndefined()
    expect(local.calls.all).toEqual([])
  })

  test('an argument that is no list of records is a failed export, not an exception', async () => {
    const { exporter, send } = await library()
    const wrong = [
      new Promise<ExportResult>((resolve) => exporter.export(undefined as never, resolve)),
      new Promise<ExportResult>((resolve) => exporter.export([{}] as never, resolve)),
      exported(exporter, 'text' as never),
      exported(exporter, undefined as never),
    ]
    expect((await Promise.all(wrong)).map(problem)).toEqual([
      'the records could not be serialized',
      'the records could not be serialized',
      'bytes is string: pass an ExportLogsServiceRequest as a Uint8Array',
      'bytes is undefined: pass an ExportLogsServiceRequest as a Uint8Array',
    ])
    expect((await send({ body: 'a' })).code).toBe(0)
  })

  test('forceFlush right after the first export waits for it', async () => {
    const { local, exporter, send } = await library({ flushInterval: '1h' })
    void send({ body: 'a' })
    await exporter.forceFlush()
    expect(storedBodies(local)).toEqual(['a'])
  })

  test('a process that exports and shuts down ends by itself', async () => {
    const local = await localCloudWatch()
    const script = `
      import { CloudWatchLogRecordExporter } from ${JSON.stringify(new URL('../../../src/index.ts', import.meta.url).href)}
      const exporter = new CloudWatchLogRecordExporter(${JSON.stringify({ ...OPTIONS, endpoint: local.url })})
      exporter.exportSerialized(Buffer.from('${Buffer.from(recordsRequest({ body: 'a' })).toString('base64')}', 'base64'), async ({ code }) => {
        await exporter.shutdown()
        console.log('code', code)
      })
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()))
    const [code] = (await once(child, 'exit')) as [number]
    expect([code, said.trim(), storedBodies(local)]).toEqual([0, 'code 0', ['a']])
  })
})

describe('options', () => {
  const NAMES = { logGroupName: 'group', logStreamName: 'stream' }
  /** What the constructor says of what a JavaScript application can write, TypeScript or not. */
  function complaint(options: unknown): string {
    try {
      return new CloudWatchLogRecordExporter(options as typeof OPTIONS).ledger.received === 0 ? 'none' : 'records'
    } catch (error) {
      return (error as Error).message
    }
  }

  test.each<[string, object, string]>([
    ['an unknown one', { destination: 'x' }, 'destination is not an option; known here: allowedLogGroups, '],
    ['a misspelt one', { logGroupNam: 'x' }, 'logGroupNam is not an option; did you mean "logGroupName"?'],
    ['the YAML’s name', { log_group_name: 'x' }, "log_group_name is the YAML's name: write logGroupName"],
    [
      'the YAML’s name of a nested one',
      { sendingQueue: { queue_size: 5 } },
      "sendingQueue.queue_size is the YAML's name: write queueSize",
    ],
    [
      'the YAML’s name of one nested twice',
      { sendingQueue: { batch: { flush_timeout: '1s' } } },
      "sendingQueue.batch.flush_timeout is the YAML's name: write flushTimeout",
    ],
    [
      'a misspelt nested one',
      { retryOnFailure: { maxIntervall: '5s' } },
      'retryOnFailure.maxIntervall is not an option; did you mean "maxInterval"?',
    ],
    ['its own in snake case', { max_buffer_bytes: 5 }, 'max_buffer_bytes is not an option: write maxBufferBytes'],
    [
      'a wrong retention',
      { logRetention: 2 },
      'logRetention: 2 is not a retention that CloudWatch supports: write one of 0, ',
    ],
    [
      'a wrong duration',
      { retryOnFailure: { maxInterval: '5' } },
      'retryOnFailure.maxInterval: "5" is not a duration: write a number and a unit, such as 200ms',
    ],
    ['a group that may not be', { logGroupName: 'a b' }, 'logGroupName'],
    ['a wrong type', { logGroupName: 5 }, 'logGroupName: 5 is not a string'],
    ['null', { logGroupName: null }, 'logGroupName: null is not a string'],
    ['an array for an object', { sendingQueue: [] }, 'sendingQueue: this array is not an object'],
    [
      'one that needs another',
      { externalId: 'x' },
      'externalId is used with roleArn only: write roleArn, or remove it',
    ],
    [
      'what needs a disk',
      { onLaneFull: 'park' },
      'onLaneFull: park keeps records on disk, which only the daemon does: write reject or refuse',
    ],
    ['dead letters', { deadLetters: { maxSize: 5 } }, 'deadLetters: only the daemon keeps dead letters: remove it'],
    [
      'a storage',
      { sendingQueue: { storage: 'x' } },
      'sendingQueue.storage: only the daemon has storage extensions: remove it',
    ],
    ['no buffer', { maxBufferBytes: 0 }, 'maxBufferBytes: 0 is not a whole number above 0: write one'],
    ['a buffer in text', { maxBufferBytes: '5' }, 'maxBufferBytes: string is not a whole number above 0: write one'],
    ['no time', { flushTimeoutMillis: NaN }, 'flushTimeoutMillis: NaN is not a whole number above 0: write one'],
    [
      'two sources of credentials',
      { credentials: KEYS, credentialProvider: async () => KEYS },
      'credentials and credentialProvider cannot both be set: remove one',
    ],
    [
      'a provider that is none',
      { credentialProvider: KEYS },
      'credentialProvider: object is not a function: write one',
    ],
    [
      'a provider in the wrong place',
      { credentials: async () => KEYS },
      'credentials: a function is not fixed keys: write credentialProvider for it',
    ],
    ['half a key', { credentials: { accessKeyId: 'a' } }, 'credentials.secretAccessKey is required: '],
  ])('%s is an error by the library’s names', (_, options, expected) => {
    const said = complaint({ ...NAMES, ...options })
    expect(said).toContain(`CloudWatchLogRecordExporter: ${expected}`)
    expect(said.split('\n')).toHaveLength(1)
  })

  test.each([undefined, null, 'x', 5])('%o is refused as options', (options) => {
    expect(complaint(options)).toMatch(
      /^CloudWatchLogRecordExporter: options are \w+: write \{ logGroupName, logStreamName \}$/,
    )
  })

  test('every wrong option is reported at once', () => {
    expect(complaint({ log_group_name: 'a', logStreamNam: 'b', maxBufferBytes: 0 }).split('\n- ')).toEqual([
      'CloudWatchLogRecordExporter:',
      'maxBufferBytes: 0 is not a whole number above 0: write one',
      "log_group_name is the YAML's name: write logGroupName",
      'logStreamNam is not an option; did you mean "logStreamName"?',
    ])
    expect(complaint({})).toMatch(/- logGroupName is required: .*\n- logStreamName is required: /)
  })

  test('a secret in the wrong place is not shown', () => {
    expect(complaint({ ...NAMES, credentials: 'AKID:hunter2' })).not.toContain('hunter2')
    expect(complaint({ ...NAMES, credentials: { accessKeyId: 'a', secretAccessKey: 715_517 } })).not.toContain('715517')
  })

  test('undefined counts as absent, and options without effect are reported', () => {
    const warned: string[] = []
    const quiet = () => {}
    diag.setLogger({ error: quiet, info: quiet, debug: quiet, verbose: quiet, warn: (message) => warned.push(message) })
    onTestFinished(() => diag.disable())
    expect(complaint({ ...NAMES, region: undefined, sendingQueue: { queueSize: undefined }, numWorkers: 5 })).toBe(
      'none',
    )
    expect(warned).toEqual([
      'CloudWatchLogRecordExporter: numWorkers has no effect: sendingQueue.numConsumers sets the concurrent puts',
    ])
  })

  test('the types have the same names', () => {
    // @ts-expect-error the YAML's name
    expect(complaint({ ...NAMES, log_group_name: 'x' } satisfies Options)).not.toBe('none')
    // @ts-expect-error the YAML's name of a nested option
    expect(complaint({ ...NAMES, sendingQueue: { queue_size: 5 } } satisfies Options)).not.toBe('none')
    // @ts-expect-error a storage needs the daemon
    expect(complaint({ ...NAMES, sendingQueue: { storage: 'x' } } satisfies Options)).not.toBe('none')
    expect(complaint({ ...NAMES, sendingQueue: { queueSize: 5, batch: { maxSize: 10 } } } satisfies Options)).toBe(
      'none',
    )
  })

  test('an error after the start has the library’s names too', async () => {
    withoutAws()
    const { send } = await library({ region: '' })
    expect(problem(await send({ body: 'a' }))).toMatch(/^the exporter could not start: .*region/)
  })

  test('tags keep their own names', async () => {
    const { local, send } = await library({ tags: { costCentre: '7' } })
    await send({ body: 'a' })
    expect(Object.fromEntries(local.store.groups.get('group')?.tags ?? [])).toEqual({ costCentre: '7' })
  })
})

describe('with the OpenTelemetry SDK', () => {
  test('a BatchLogRecordProcessor’s records are stored as the daemon would store them', async () => {
    const { local, exporter } = await library()
    const provider = new LoggerProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop' }),
      processors: [new BatchLogRecordProcessor({ exporter })],
    })
    onTestFinished(() => provider.shutdown())
    const logger = provider.getLogger('checkout', '2.1')
    logger.emit({
      body: 'paid',
      severityNumber: 9,
      severityText: 'INFO',
      attributes: { amount: 12.5, card: { last: 4 } },
    })
    logger.emit({ body: { structured: ['a', null] }, eventName: 'cart.emptied' })
    await provider.forceFlush()

    const messages = local.events().map(({ message }) => JSON.parse(message) as Record<string, unknown>)
    expect(messages).toEqual([
      {
        body: 'paid',
        severity_number: 9,
        severity_text: 'INFO',
        attributes: { amount: 12.5, card: { last: 4 } },
        scope: { name: 'checkout', version: '2.1' },
        resource: expect.objectContaining({ 'service.name': 'shop' }) as object,
      },
      {
        body: { structured: ['a', null] },
        event_name: 'cart.emptied',
        scope: { name: 'checkout', version: '2.1' },
        resource: expect.objectContaining({ 'service.name': 'shop' }) as object,
      },
    ])
  })

  test('provider.shutdown delivers what is in the batch', async () => {
    const { local, exporter } = await library()
    const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter })] })
    provider.getLogger('x').emit({ body: 'last words' })
    await provider.shutdown()
    expect(storedBodies(local)).toEqual(['last words'])
  })
})

test('records for many destinations in one export: it succeeds once all are delivered', async () => {
  const { local, exporter } = await library({ logGroupName: '/svc/{service.name}', logStreamName: '{host}' })
  const request = logsRequest(
    ...['a', 'b'].map((name) => ({
      resource: { 'service.name': name },
      scopes: [{ records: ['1', '2'].map((host) => ({ body: `${name}${host}`, attributes: { host } })) }],
    })),
  )
  expect((await exported(exporter, request)).code).toBe(0)
  expect(
    local
      .events()
      .map(({ group, stream }) => `${group} ${stream}`)
      .toSorted(),
  ).toEqual(['/svc/a 1', '/svc/a 2', '/svc/b 1', '/svc/b 2'])
})
