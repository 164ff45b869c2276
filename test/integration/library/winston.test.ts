// The winston transport with the real winston.
import { once } from 'node:events'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import winston from 'winston'
import { CloudWatchTransport, type CloudWatchTransportOptions } from '../../../src/winston.ts'
import { localCloudWatch, withoutAws } from './library.ts'
import { messages, runApp, stored, transportOptions, WINSTON_ENTRY } from './transports.ts'

/** winston's default format, JSON, would call getters and toJSON before the transport does. */
const AS_IT_IS = winston.format((info) => info)()

async function application(options: Partial<CloudWatchTransportOptions> = {}, logger: winston.LoggerOptions = {}) {
  const local = await localCloudWatch()
  const transport = new CloudWatchTransport({ ...transportOptions(local), ...options })
  const log = winston.createLogger({ level: 'silly', format: AS_IT_IS, transports: [transport], ...logger })
  onTestFinished(() => void log.close())
  const end = async () => {
    const finished = once(log, 'finish')
    log.end()
    await finished
  }
  return { local, transport, log, end }
}

describe('events', () => {
  test('are JSON with severity, fields, scope and resource, in the group that the resource names', async () => {
    const { local, log, end } = await application({
      logGroupName: '/app/{service.name}',
      resource: { 'service.name': 'shop' },
    })
    log.info('paid', { amount: 12.5, card: { last: 4 } })
    await end()
    expect(local.events().map(({ group }) => group)).toEqual(['/app/shop'])
    expect(stored(local)).toEqual([
      {
        body: 'paid',
        severity_number: 9,
        severity_text: 'info',
        attributes: { amount: 12.5, card: { last: 4 } },
        scope: { name: 'otlp-cloudwatch/winston' },
        resource: { 'service.name': 'shop' },
      },
    ])
  })

  test.each([
    ['npm', winston.config.npm.levels, [17, 13, 9, 7, 6, 5, 1]],
    ['syslog', winston.config.syslog.levels, [23, 22, 21, 17, 13, 10, 9, 5]],
    ['custom', { error: 0, audit: 1 }, [17, undefined]],
  ])('of %s levels have their severity', async (_, levels, expected) => {
    const { local, log, end } = await application({}, { levels, level: Object.keys(levels).at(-1) ?? '' })
    for (const level of Object.keys(levels)) log.log(level, level)
    await end()
    expect(stored(local).map(({ severity_number: number }) => number)).toEqual(expected)
    expect(stored(local).map(({ severity_text: name }) => name)).toEqual(Object.keys(levels))
  })

  test('of child loggers have the fields of their parents', async () => {
    const { local, log, end } = await application({}, { defaultMeta: { app: 'shop' } })
    log.child({ request: 7 }).warn('slow')
    await end()
    expect(stored(local)[0]).toMatchObject({ attributes: { app: 'shop', request: 7 } })
  })

  test('of errors have their stacks and causes', async () => {
    const { local, log, end } = await application()
    log.error(new Error('top'))
    log.error('while paying', { err: new TypeError('inner', { cause: new Error('root') }) })
    await end()
    expect(stored(local)).toMatchObject([
      { body: 'top', attributes: { stack: expect.stringContaining('winston.test.ts') as string } },
      {
        body: 'while paying',
        attributes: {
          err: {
            type: 'TypeError',
            message: 'inner',
            stack: expect.stringContaining('winston.test.ts') as string,
            cause: { type: 'Error', message: 'root' },
          },
        },
      },
    ])
  })

  test('of hostile values are written with a note in their place', async () => {
    const { local, log, transport, end } = await application()
    const circular: Record<string, unknown> = { a: 1 }
    circular['self'] = circular
    let deep: unknown = 'bottom'
    for (let i = 0; i < 100_000; i++) deep = { deep }
    const explosive = new Proxy({}, { ownKeys: () => { throw new Error('no keys') } }) // oxfmt-ignore
    log.info('values', {
      circular,
      deep,
      explosive,
      big: 2n ** 70n,
      small: 5n,
      symbol: Symbol('x'),
      nested: { get bad() { throw new Error('no value') } }, // oxfmt-ignore
      json: { toJSON: () => { throw new Error('no JSON') } }, // oxfmt-ignore
      map: new Map<unknown, unknown>([['k', new Set([1])]]),
      date: new Date(0),
      never: undefined,
      nan: Number.NaN,
    })
    await end()
    expect(transport.dropped).toBe(0)
    expect(stored(local)[0]).toMatchObject({
      attributes: {
        circular: { a: 1, self: '[circular]' },
        explosive: { error: '[threw no keys]' },
        big: String(2n ** 70n),
        small: 5,
        symbol: 'Symbol(x)',
        nested: { bad: '[threw no value]' },
        json: '[threw no JSON]',
        map: { k: [1] },
        date: '1970-01-01T00:00:00.000Z',
        nan: 'NaN',
      },
    })
    expect(messages(local)[0]).toContain('[nested too deep]')
  })

  test('of huge metadata are cut to a size that CloudWatch takes', async () => {
    const { local, log, transport, end } = await application()
    const shared = Array.from({ length: 1_000 }, () => 'x')
    log.info('exponential', { graph: Array.from({ length: 1_000 }, () => shared) })
    log.info('long', { text: 'y'.repeat(50_000_000), after: 1 })
    log.info('wide', Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`key${i}`, i])))
    await end()
    expect(transport.ledger).toMatchObject({ received: 3, delivered: 3 })
    expect(stored(local).map(({ body }) => body)).toEqual(['exponential', 'long', 'wide'])
    for (const message of messages(local)) expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1_048_550)
  })
})

describe('format', () => {
  test('is the message of the event, with the placeholders of Elixir’s Logger', async () => {
    const { local, log, end } = await application({
      format: '$date $time $metadata[$level]$levelpad $message\n',
      metadata: ['request_id', 'user'],
      logGroupName: '/app/{tenant}',
    })
    log.info('paid', { request_id: 'r1', tenant: 'a', user: { id: 7 } })
    log.error('failed', { tenant: 'a' })
    await end()
    expect(messages(local)).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} request_id=r1 user=\{"id":7\} \[info\]  paid$/),
      expect.stringMatching(/^\S+ \S+ \[error\] failed$/),
    ])
  })

  test('of winston is applied before the message is read', async () => {
    const { local, log, end } = await application({
      format: winston.format((info) => ({ ...info, message: `shop: ${String(info.message)}` }))(),
    })
    log.info('paid')
    await end()
    expect(stored(local)[0]).toMatchObject({ body: 'shop: paid' })
  })

  test('without metadata leaves the fields out', async () => {
    const { local, log, end } = await application({ metadata: [] })
    log.info('paid', { secret: 1 })
    await end()
    expect(messages(local)[0]).not.toContain('secret')
  })
})

describe('level', () => {
  test('is the threshold of the transport', async () => {
    const { local, log, end } = await application({ level: 'warn' })
    log.info('a')
    log.warn('b')
    log.error('c')
    await end()
    expect(stored(local).map(({ body }) => body)).toEqual(['b', 'c'])
  })

  test('that the logger does not have is reported, and drops nothing', async () => {
    const run = await runApp(`
      import winston from 'winston'
      import { CloudWatchTransport } from '${WINSTON_ENTRY}'
      const transport = new CloudWatchTransport({ logGroupName: 'g', logStreamName: 's', level: 'fatal' })
      const log = winston.createLogger({ transports: [transport] })
      console.log(transport.level)
      log.close()
    `)
    expect(run).toMatchObject({ code: 0, stdout: 'undefined\n' })
    expect(run.stderr).toContain(
      "level is not one of the logger's and has no effect: write one of error, warn, info, http, verbose, debug, silly",
    )
  })
})

describe('flush', () => {
  test('at bufferSize is at once, long before flushInterval', async () => {
    const { local, log } = await application({ bufferSize: 3, flushInterval: '1h' })
    for (const text of ['a', 'b', 'c']) log.info(text)
    await expect.poll(() => stored(local).map(({ body }) => body)).toEqual(['a', 'b', 'c'])
  })

  test('at flushInterval sends what is below bufferSize', async () => {
    const { local, log } = await application({ bufferSize: 1_000, flushInterval: '50ms' })
    log.info('a')
    await expect.poll(() => stored(local).map(({ body }) => body)).toEqual(['a'])
  })

  test('waits for the answers', async () => {
    const { local, log, transport } = await application({ flushInterval: '1h' })
    log.info('a')
    await transport.flush()
    expect(stored(local)).toHaveLength(1)
  })
})

describe('while CloudWatch cannot be written', () => {
  test('records wait within the bound, the rest is counted, and no call throws or waits', async () => {
    const { local, log, transport, end } = await application({ maxBufferBytes: 1_000_000 })
    await local.down()
    const text = 'x'.repeat(1_000)
    for (let i = 0; i < 5_000; i++) expect(log.info(text)).toBe(log)
    await expect.poll(() => transport.ledger.queued).toBeGreaterThan(0)
    expect(transport.dropped).toBeGreaterThan(3_000)
    await local.up()
    await end()
    expect(transport.ledger.delivered + transport.dropped).toBe(5_000)
    expect(local.events()).toHaveLength(transport.ledger.delivered)
  })

  test('puts are retried until they succeed', async () => {
    const { local, log, transport } = await application()
    local.faults.fail(500, { operation: 'PutLogEvents', times: 3 })
    log.info('a')
    await expect.poll(() => stored(local)).toHaveLength(1)
    expect(transport.ledger).toMatchObject({ received: 1, delivered: 1, queued: 0 })
    expect(local.calls.count('PutLogEvents')).toBeGreaterThan(3)
  })

  test('each failure is logged, and a repeat is folded', async () => {
    const { local } = await application()
    local.faults.deny({ group: 'group' })
    const run = await runApp(`
      import winston from 'winston'
      import { CloudWatchTransport } from '${WINSTON_ENTRY}'
      const transport = new CloudWatchTransport({ ...${JSON.stringify(transportOptions(local))}, flushTimeoutMillis: 2000 })
      const log = winston.createLogger({ transports: [transport] })
      for (let i = 0; i < 20; i++) {
        log.info('a' + i)
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      log.end()
    `)
    expect(run.code).toBe(0)
    const lines = run.stderr.trim().split('\\n')
    expect(run.stderr).toContain('AccessDenied')
    expect(run.stderr).toContain('could not be sent before the end')
    expect(lines.length).toBeLessThan(15)
  })
})

describe('without credentials or a Region', () => {
  test.each([
    ['credentials', { region: 'us-east-1' }, 'no AWS credentials'],
    ['a Region', { region: '' }, 'egion'],
  ])('%s: no call is made, records wait, and the word is written once', async (_, given, word) => {
    const local = await localCloudWatch()
    const { credentials: _credentials, ...options } = transportOptions(local)
    const run = await runApp(
      `
      import winston from 'winston'
      import { CloudWatchTransport } from '${WINSTON_ENTRY}'
      const transport = new CloudWatchTransport(${JSON.stringify({ ...options, ...given })})
      const log = winston.createLogger({ transports: [transport] })
      for (let i = 0; i < 100; i++) log.info('a' + i)
      await new Promise((resolve) => setTimeout(resolve, 3000))
      log.end()
      await new Promise((resolve) => log.on('finish', resolve))
      console.log(transport.dropped, transport.ledger.received)
    `,
      { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    )
    expect(run).toMatchObject({ code: 0, stdout: '100 0\n' })
    expect(run.stderr).toContain('nothing is sent: records wait in memory')
    expect(run.stderr).toContain(word)
    expect(run.stderr.trim().split('\n').length).toBeLessThan(8)
    expect(local.calls.all).toEqual([])
  })

  test('records beyond the bound are dropped and counted while the others wait', async () => {
    const { local, log, transport, end } = await application({
      maxBufferBytes: 1_000_000,
      credentials: undefined,
      credentialProvider: () => Promise.reject(new Error('none')),
    })
    const text = 'x'.repeat(1_000)
    for (let i = 0; i < 5_000; i++) log.info(text)
    expect(transport.dropped).toBeGreaterThan(3_000)
    expect(transport.dropped).toBeLessThan(5_000)
    await expect(transport.flush()).rejects.toThrow('records wait: nothing can be sent')
    await end()
    expect(transport.dropped).toBe(5_000)
    expect(local.calls.all).toEqual([])
  })

  test('records are sent once credentials appear', async () => {
    withoutAws()
    let keys: { accessKeyId: string; secretAccessKey: string } | undefined
    const { local, log, transport } = await application({
      credentials: undefined,
      credentialProvider: async () => {
        if (keys === undefined) throw new Error('none yet')
        return keys
      },
    })
    for (let i = 0; i < 10; i++) log.info(`a${i}`)
    await vi.waitUntil(() => transport.ledger.received === 0)
    keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
    await expect.poll(() => local.events().length).toBe(10)
    expect(transport.dropped).toBe(0)
  })
})

describe('the end of the process', () => {
  const app = (options: object, end: string) => `
    import winston from 'winston'
    import { CloudWatchTransport } from '${WINSTON_ENTRY}'
    const transport = new CloudWatchTransport(${JSON.stringify(options)})
    const log = winston.createLogger({ transports: [transport] })
    log.info('last words')
    ${end}
  `

  test.each([
    ['without any call', ''],
    ['after logger.end()', 'log.end()'],
    ['after logger.close()', 'log.close()'],
  ])('%s sends what waits', async (_, end) => {
    const local = await localCloudWatch()
    const options = { ...transportOptions(local), flushInterval: '1h' }
    expect(await runApp(app(options, end))).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(stored(local).map(({ body }) => body)).toEqual(['last words'])
  })

  test('by process.exit reports what was not sent', async () => {
    const local = await localCloudWatch()
    const run = await runApp(app(transportOptions(local), 'process.exit(3)'))
    expect(run.code).toBe(3)
    expect(run.stderr).toMatch(/the process exited before these records were sent: .* records=1/)
  })

  test.each([
    ['without any call', ''],
    ['after logger.end()', 'log.end()'],
  ])('%s is not delayed without limit by an endpoint that is gone', async (_, end) => {
    const local = await localCloudWatch()
    const options = { ...transportOptions(local), flushTimeoutMillis: 1_000 }
    await local.down()
    const run = await runApp(app(options, end))
    expect(run.code).toBe(0)
    expect(run.stderr).toContain('could not be sent before the end')
  })
})

describe('options', () => {
  test.each([
    [{ format: '$mesage' }, 'format: "$mesage" is not a placeholder: write one of $time $date $level'],
    [{ format: 'x' }, 'format: has no placeholder'],
    [{ format: 5 }, 'format: number is not a string'],
    [{ metadata: 'some' }, 'metadata: "some" is neither "all" nor a list of keys'],
    [{ resource: { a: {} } }, 'resource: object is not an object of strings, numbers and booleans'],
    [{ bufferSize: 0 }, 'bufferSize: 0 is not a whole number from 1 to 10000'],
    [{ bufferSize: 5, sendingQueue: { batch: {} } }, 'bufferSize and sendingQueue.batch both set the size'],
    [{ format: '$message', rawLog: false }, 'rawLog: false would put the line of format into JSON'],
    [{ level: 5 }, 'level: number is not a string'],
    [{ bufersize: 5 }, 'bufersize is not an option; did you mean "bufferSize"?'],
    [{ log_group_name: 'g' }, "log_group_name is the YAML's name: write logGroupName"],
    [{ storage: 'x' }, 'storage is not an option'],
  ])('%j is refused with what to write', (wrong, expected) => {
    const options = { logGroupName: 'g', logStreamName: 's', ...wrong } as never
    expect(() => new CloudWatchTransport(options)).toThrow(`otlp-cloudwatch/winston: ${expected}`)
  })

  test.each([undefined, null, 5, 'x', []])('%j instead of options is refused', (options) => {
    expect(() => new CloudWatchTransport(options as never)).toThrow('write { logGroupName, logStreamName }')
  })
})
