import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLogger, type LoggerOptions } from '../../../src/telemetry/create-logger.ts'

/** A logger and the lines it has written. */
function logTo(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  return { lines, logger: createLogger({ level: 'info', encoding: 'console', destination, ...options }) }
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-21T10:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('console encoding', () => {
  test('is one line of time, level, component, message and fields', () => {
    const { logger, lines } = logTo()
    logger.child({ component: 'otlp' }).info('listening', { grpc: '127.0.0.1:4317', tls: false, ports: [1, 2] })
    expect(lines).toEqual([
      '2026-11-21T10:00:00.000Z info  otlp  listening grpc=127.0.0.1:4317 tls=false ports=[1,2]\n',
    ])
  })

  test.for([
    ['a text with blanks', { group: 'my group' }, 'group="my group"'],
    ['an empty text', { group: '' }, 'group=""'],
    ['a quote', { group: 'a"b' }, 'group="a\\"b"'],
    ['a terminal escape', { group: '\u001b[2J' }, 'group="\\u001b[2J"'],
    ['a C1 control character', { group: 'a\u009bb' }, 'group="a\\u009bb"'],
    ['an int64', { sizes: { a: 2n ** 63n } }, 'sizes={"a":"9223372036854775808"}'],
    ['an absent value', { group: undefined, n: 1 }, 'm n=1\n'],
  ] as const)('writes %s so that it reads back', ([, fields, expected]) => {
    const { logger, lines } = logTo()
    logger.info('m', fields)
    expect(lines[0]).toContain(expected)
  })

  test('indents what follows a line feed, so that a message cannot forge a line', () => {
    const { logger, lines } = logTo()
    logger.info('first\n2026-11-21T10:00:00.000Z error forged\u0007')
    expect(lines[0]).toBe('2026-11-21T10:00:00.000Z info  first\n\t2026-11-21T10:00:00.000Z error forged\\u0007\n')
  })

  test('writes an error with its causes, once each', () => {
    const { logger, lines } = logTo()
    const refused = new AggregateError([new Error('refused ::1'), new Error('refused 127.0.0.1')])
    const cause = new Error('cannot connect', { cause: refused })
    logger.error('put failed', { error: new Error('put: cannot connect', { cause }) })
    expect(lines[0]).toContain('error="put: cannot connect: refused ::1, refused 127.0.0.1"')
  })

  test('ends at a cause that is its own cause', () => {
    const { logger, lines } = logTo()
    const error = new Error('round')
    error.cause = error
    logger.error('put failed', { error })
    expect(lines[0]).toContain('error="round"')
  })
})

describe('json encoding', () => {
  test('is one object a line, with the stack of an error', () => {
    const { logger, lines } = logTo({ encoding: 'json' })
    logger.child({ component: 'otlp' }).warn('slow', { error: new Error('late', { cause: new Error('why') }) })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: '2026-11-21T10:00:00.000Z',
      component: 'otlp',
      error: { message: 'late: why', stack: expect.stringContaining('create-logger.test') as string },
      msg: 'slow',
    })
  })
})

describe('levels', () => {
  test.for([
    ['debug', ['d', 'i', 'w', 'e']],
    ['info', ['i', 'w', 'e']],
    ['warn', ['w', 'e']],
    ['error', ['e']],
  ] as const)('%s and above is written', ([level, expected]) => {
    const { logger, lines } = logTo({ level })
    logger.debug('d')
    logger.info('i')
    logger.warn('w')
    logger.error('e')
    expect(lines.map((line) => line.trim().split(' ').at(-1))).toEqual(expected)
  })
})

describe('folding', () => {
  test('writes the first of a repeated error at once and the others as one line with their number', () => {
    const { logger, lines } = logTo()
    for (let i = 0; i < 1000; i++) logger.error('put failed', { attempt: i })
    expect(lines).toHaveLength(1)
    vi.advanceTimersByTime(10_000)
    expect(lines).toEqual([
      expect.stringContaining('put failed attempt=0\n') as string,
      expect.stringContaining('put failed attempt=999 repeated=999\n') as string,
    ])
  })

  test('writes one line a window while the error goes on, and starts afresh after a quiet window', () => {
    const { logger, lines } = logTo()
    for (let second = 0; second < 30; second++) {
      logger.error('put failed')
      vi.advanceTimersByTime(1_000)
    }
    expect(lines).toHaveLength(4)
    vi.advanceTimersByTime(20_000)
    expect(vi.getTimerCount()).toBe(0)
    logger.error('put failed')
    expect(lines).toHaveLength(5)
    expect(lines[4]).not.toContain('repeated')
  })

  test('keeps components, messages and levels apart', () => {
    const { logger, lines } = logTo()
    for (const component of ['a', 'b']) {
      const child = logger.child({ component })
      child.error('x')
      child.error('y')
      child.warn('x')
    }
    expect(lines).toHaveLength(6)
  })

  test('leaves info lines alone: two listeners log the same text', () => {
    const { logger, lines } = logTo()
    logger.info('listening', { port: 1 })
    logger.info('listening', { port: 2 })
    expect(lines).toHaveLength(2)
  })

  test('remembers a bounded number of lines', () => {
    const { logger, lines } = logTo()
    logger.error('the first')
    logger.error('the first')
    for (let i = 0; i < 600; i++) logger.error(`error ${i}`)
    expect(lines).toHaveLength(602)
    expect(lines.filter((line) => line.includes('the first repeated=1'))).toHaveLength(1)
  })

  test('is written out by flush, which leaves no timer', () => {
    const { logger, lines } = logTo()
    logger.error('put failed')
    logger.error('put failed')
    logger.flush()
    expect(lines.at(-1)).toContain('repeated=1')
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('without a destination it writes to stderr before the process goes on, and lets the process end', () => {
  const module = fileURLToPath(import.meta.resolve('../../../src/telemetry/create-logger.ts'))
  const script = `
    const { createLogger } = await import(${JSON.stringify(module)})
    const logger = createLogger({ level: 'info', encoding: 'console' })
    for (let i = 0; i < 1000; i++) logger.info('line ' + i)
    logger.error('again')
    logger.error('again')
    process.on('exit', () => logger.flush())
  `
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  })
  const lines = child.stderr.trimEnd().split('\n')
  expect(child.status).toBe(0)
  expect(lines).toHaveLength(1002)
  expect(lines.at(-1)).toContain('again repeated=1')
})

test('a window that closes while another one is written does not set a timer below 0', () => {
  const { logger } = logTo()
  let now = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  const timer = vi.spyOn(globalThis, 'setTimeout')
  logger.error('a')
  now = 1
  logger.error('b')
  now = 10_000
  // Each look at the clock takes some ms: the second window is over when its timer is set.
  clock.mockImplementation(() => (now += 5) - 5)
  vi.advanceTimersByTime(10_000)
  expect(timer.mock.calls.length).toBeGreaterThan(1)
  for (const [, delay] of timer.mock.calls) expect(delay).toBeGreaterThanOrEqual(0)
  vi.restoreAllMocks()
})
