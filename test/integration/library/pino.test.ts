// The pino transport with the real pino: in a worker thread, and in the application's own thread.
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pino, type LoggerOptions } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import cloudWatchTransport, { CloudWatchStream, type CloudWatchStreamOptions } from '../../../src/pino.ts'
import { localCloudWatch } from './library.ts'
import { messages, PINO_ENTRY, runApp, stored, transportOptions } from './transports.ts'

/** pino in this thread. */
async function application(options: Partial<CloudWatchStreamOptions> = {}, logger: LoggerOptions = {}) {
  const local = await localCloudWatch()
  const stream = new CloudWatchStream({ ...transportOptions(local), ...options })
  const log = pino({ level: 'trace', ...logger }, stream)
  onTestFinished(() => void stream.destroy())
  const end = async () => {
    const closed = once(stream, 'close')
    stream.end()
    await closed
  }
  return { local, stream, log, end }
}

/** An application whose pino writes through a worker thread. */
function workerApp(options: object, body: string, target: object = {}): string {
  return `
    import { pino } from 'pino'
    const target = ${JSON.stringify({ target: PINO_ENTRY, options, ...target })}
    const log = pino({ level: 'trace', customLevels: { audit: 35 }, messageKey: 'text' }, pino.transport(target))
    ${body}
  `
}

describe('in the application’s thread', () => {
  test('events are JSON with severity, time, fields, scope and resource', async () => {
    const { local, log, end } = await application({ resource: { 'service.name': 'shop' } }, { base: null })
    const before = Date.now()
    log.info({ amount: 12.5, card: { last: 4 } }, 'paid')
    await end()
    expect(stored(local)).toEqual([
      {
        body: 'paid',
        severity_number: 9,
        severity_text: 'info',
        attributes: { amount: 12.5, card: { last: 4 } },
        scope: { name: 'otlp-cloudwatch/pino' },
        resource: { 'service.name': 'shop' },
      },
    ])
    expect(local.events()[0]?.timestamp).toBeGreaterThanOrEqual(before)
  })

  test('levels have their severity, and ISO times and level labels are read', async () => {
    const options = {
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label: string) => ({ level: label }) },
    }
    for (const logger of [{}, options]) {
      const { local, log, end } = await application({}, logger)
      for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level](level)
      await end()
      expect(stored(local).map((event) => [event['body'], event['severity_text'], event['severity_number']])).toEqual([
        ['trace', 'trace', 1],
        ['debug', 'debug', 5],
        ['info', 'info', 9],
        ['warn', 'warn', 13],
        ['error', 'error', 17],
        ['fatal', 'fatal', 21],
      ])
    }
  })

  test('child loggers, errors and circular objects', async () => {
    const { local, log, end } = await application()
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    log.child({ request: 7 }).error(new TypeError('inner', { cause: new Error('root') }), 'while paying')
    log.info({ circular, big: 5n, symbol: Symbol('x'), f() {} }, 'values')
    await end()
    expect(stored(local)).toMatchObject([
      {
        body: 'while paying',
        attributes: {
          request: 7,
          err: { type: 'TypeError', stack: expect.stringContaining('pino.test.ts') as string },
        },
      },
      { body: 'values', attributes: { circular: { self: '[Circular]' }, big: 5 } },
    ])
  })

  test('format, metadata and level', async () => {
    const { local, log, end } = await application({
      level: 'warn',
      format: '$metadata[$level]$levelpad $message',
      metadata: ['request_id'],
    })
    log.info('dropped')
    log.warn({ request_id: 'r1', other: 5 }, 'slow')
    await end()
    expect(messages(local)).toEqual(['request_id=r1 [warn]  slow'])
  })

  test('lines in pieces, lines that are not JSON, and a line without an end', async () => {
    const { local, stream, end } = await application()
    for (const piece of ['{"level":30,"ms', 'g":"a"}\n\n[1]\nplain', ' text\n{"level":50,"msg":"b"}'])
      stream.write(piece)
    await end()
    expect(stored(local).map(({ body }) => body)).toEqual(expect.arrayContaining(['a', '[1]', 'plain text', 'b']))
    expect(stored(local)).toHaveLength(4)
  })

  test('a line that never ends is cut, and does not grow without limit', async () => {
    const { local, stream, end } = await application()
    const piece = 'x'.repeat(1_048_576)
    for (let i = 0; i < 40; i++) stream.write(piece)
    await expect.poll(() => local.events().length).toBe(1)
    stream.write('\n{"level":30,"msg":"next"}\n')
    await end()
    expect(stored(local)).toHaveLength(2)
    expect(messages(local).some((message) => message.includes('"next"'))).toBe(true)
  })

  test('a full buffer drops and counts, and no call throws or reports backpressure for long', async () => {
    const { local, stream, log, end } = await application({ maxBufferBytes: 1_000_000 })
    await local.down()
    const text = 'x'.repeat(1_000)
    for (let i = 0; i < 5_000; i++) log.info(text)
    await expect.poll(() => stream.ledger.queued).toBeGreaterThan(0)
    expect(stream.writableLength).toBe(0)
    await local.up()
    await end()
    expect(stream.ledger.delivered + stream.dropped).toBe(5_000)
  })

  test('at bufferSize events are sent at once, and flush waits for the answers', async () => {
    const { local, stream, log } = await application({ bufferSize: 2, flushInterval: '1h' })
    log.info('a')
    log.info('b')
    await expect.poll(() => local.events().length).toBe(2)
    log.info('c')
    await new Promise<void>((resolve) => stream.flush(resolve))
    expect(local.events()).toHaveLength(3)
  })

  test.each([undefined, null, 5, 'x', []])('%j instead of options is refused', async (options) => {
    await expect(cloudWatchTransport(options as never)).rejects.toThrow(
      /^otlp-cloudwatch\/pino: options are .*: write \{ logGroupName, logStreamName \}$/,
    )
  })

  test('a wrong option is refused by its name', async () => {
    const names = { logGroupName: 'g', logStreamName: 's' }
    await expect(cloudWatchTransport({ ...names, levl: 'info' } as never)).rejects.toThrow(
      'otlp-cloudwatch/pino: levl is not an option; did you mean "level"?',
    )
    await expect(cloudWatchTransport({ ...names, level: {} } as never)).rejects.toThrow('level: object is not a level')
  })
})

describe('in a worker thread', () => {
  test.each([
    ['a process that ends by itself', ''],
    ['process.exit', 'process.exit(0)'],
    ['process.exit after the worker is ready', 'setTimeout(() => process.exit(0), 1000)'],
  ])('%s sends what waits', async (_, end) => {
    const local = await localCloudWatch()
    const options = { ...transportOptions(local), flushInterval: '1h', flushTimeoutMillis: 8_000 }
    const run = await runApp(workerApp(options, `log.info({ a: 1 }, 'last words'); log.audit('custom'); ${end}`))
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(stored(local)).toMatchObject([
      { body: 'last words', severity_text: 'info', severity_number: 9, attributes: { a: 1 } },
      { body: 'custom', severity_text: 'audit', severity_number: 9 },
    ])
  })

  test('level is a threshold by a custom level, also as one of several targets', async () => {
    const local = await localCloudWatch()
    const options = { ...transportOptions(local), level: 'audit' }
    const log = `for (const level of ['info', 'audit', 'error']) log[level](level)`
    await runApp(workerApp(options, log))
    // pino's loader of several targets takes a path to TypeScript, not a URL.
    const target = { target: fileURLToPath(PINO_ENTRY), level: 'error', options: transportOptions(local) }
    await runApp(`
      import { pino } from 'pino'
      const log = pino(pino.transport({ targets: [${JSON.stringify(target)}] }))
      log.info('a')
      log.error('b')
    `)
    expect(stored(local).map(({ body }) => body)).toEqual(['audit', 'error', 'b'])
  })

  test('an endpoint that is gone delays the end for flushTimeoutMillis only, and the loss is reported', async () => {
    const local = await localCloudWatch()
    await local.down()
    const options = { ...transportOptions(local), flushTimeoutMillis: 1_000 }
    const run = await runApp(workerApp(options, `for (let i = 0; i < 100; i++) log.info('a')`))
    expect(run.code).toBe(0)
    expect(run.stderr).toMatch(/could not be sent before the end and are lost records=100/)
  })

  test('a flush that fails is logged, and does not end the application', async () => {
    const local = await localCloudWatch()
    await local.down()
    const options = { ...transportOptions(local), flushTimeoutMillis: 1_000 }
    const flush = `log.info('a'); log.flush((error) => { console.log(String(error)); log.info('b') })`
    const run = await runApp(workerApp(options, flush))
    expect(run).toMatchObject({ code: 0, stdout: 'undefined\n' })
    expect(run.stderr).toContain('the flush failed')
    expect(run.stderr).toMatch(/could not be sent before the end and are lost records=2/)
  })

  test('without credentials nothing is sent, the word is written once, and the process ends', async () => {
    const local = await localCloudWatch()
    const { credentials: _, ...options } = transportOptions(local)
    const none = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }
    const run = await runApp(workerApp(options, `for (let i = 0; i < 100; i++) log.info('a')`), none)
    expect(run.code).toBe(0)
    expect(run.stderr).toContain('nothing is sent: records wait in memory')
    expect(run.stderr.trim().split('\n').length).toBeLessThan(8)
    expect(local.calls.all).toEqual([])
  })

  test('a wrong option is reported to the application', async () => {
    const run = await runApp(workerApp({ logGroupName: 'g' }, `log.on?.('error', () => {}); log.info('a')`))
    expect(run.stderr).toContain('otlp-cloudwatch/pino: logStreamName is required')
  })
})
