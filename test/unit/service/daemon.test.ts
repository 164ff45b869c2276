import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ComponentError, type Component, type Host } from '../../../src/component/component.ts'
import type { LogsConsumer, LogsExporter } from '../../../src/component/consumer.ts'
import { type Daemon, ServiceDaemon } from '../../../src/service/daemon.ts'
import { createLogger } from '../../../src/telemetry/create-logger.ts'
import { Ledger } from '../../../src/accounting/ledger.ts'
import { daemonConfig, type TestConfig } from './daemon-config.ts'
import { consume, FakeExporter, rejected } from './fake-exporter.ts'

const BUILD = { name: 'otlp-cloudwatch', version: '1.2.3' }

const daemons: Daemon[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const daemon of daemons.splice(0)) await daemon.shutdown()
})

/** A daemon and the lines it logs, without their times. */
function create(config: TestConfig) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line.slice(25).trimEnd()) }
  const logger = createLogger({ level: 'info', encoding: 'console', destination })
  const daemon = new ServiceDaemon(daemonConfig(config), BUILD, { mode: { kind: 'single' }, logger })
  daemons.push(daemon)
  return { daemon, lines }
}

interface Acts {
  start?(host: Host): Promise<void>
  shutdown?(signal: AbortSignal): Promise<void>
}

/** A component that writes into `events` what is asked of it. */
function component(name: string, events: string[], acts: Acts = {}): Component & LogsExporter {
  return {
    async start(host) {
      events.push(`start ${name}`)
      await acts.start?.(host)
    },
    async shutdown(signal) {
      events.push(`stop ${name}`)
      await acts.shutdown?.(signal)
    },
    pipelineReady: (ready) => events.push(`${ready ? 'ready' : 'not ready'} ${name}`),
    reserve: () => ({ kind: 'retry', cause: 'not_ready', afterMs: 1, message: '' }),
  }
}

/** Two extensions, two exporters and a receiver; `acts` by name. */
function fivePart(events: string[], acts: Readonly<Record<string, Acts>> = {}, shutdownTimeoutMs = 25_000): TestConfig {
  const make = (name: string) => () => component(name, events, acts[name])
  return {
    extensions: { health: make('health'), local: make('local') },
    exporters: { x: make('x'), y: make('y') },
    receivers: { otlp: make('otlp') },
    pipelines: { logs: { receivers: ['otlp'], exporters: ['x', 'y'] } },
    shutdownTimeoutMs,
  }
}

describe('order', () => {
  test('starts downstream first, stops upstream first, and leaves no timer', async () => {
    vi.useFakeTimers()
    const events: string[] = []
    const { daemon } = create(fivePart(events))
    await daemon.start()
    const started = ['start health', 'start local', 'start x', 'start y', 'start otlp', 'ready health', 'ready local']
    expect(events).toEqual(started)
    events.length = 0
    await daemon.shutdown()
    expect(events).toEqual([
      'not ready health',
      'not ready local',
      'stop otlp',
      'stop x',
      'stop y',
      'stop local',
      'stop health',
    ])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('opens nothing when it is created', () => {
    const events: string[] = []
    create(fivePart(events))
    expect(events).toEqual([])
  })

  test('a failed start stops all started components, the failed one too, and names the component and the cause', async () => {
    const events: string[] = []
    const cause = new Error('no region')
    const { daemon } = create(fivePart(events, { x: { start: () => Promise.reject(cause) } }))
    const error: unknown = await daemon.start().catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ComponentError)
    expect(error).toMatchObject({ message: 'exporter x: no region', cause })
    expect(events.filter((event) => event.startsWith('st'))).toEqual([
      'start health',
      'start local',
      'start x',
      'stop x',
      'stop local',
      'stop health',
    ])
    expect(events).not.toContain('ready health')
  })

  test('a shutdown during the start stops all started components, and the start rejects', async () => {
    const events: string[] = []
    const slow = Promise.withResolvers<void>()
    const { daemon } = create(fivePart(events, { x: { start: () => slow.promise } }))
    const starting = daemon.start().catch((error: unknown) => String(error))
    await vi.waitFor(() => expect(events).toContain('start x'), { timeout: 20_000 })
    const stopping = daemon.shutdown()
    slow.resolve()
    await stopping
    expect(await starting).toContain('stopped before exporter y had started')
    expect(events.slice(-3)).toEqual(['stop x', 'stop local', 'stop health'])
    expect(events).not.toContain('start y')
  })

  test('a shutdown is safe unstarted and twice, and a start after it is refused', async () => {
    const events: string[] = []
    const { daemon, lines } = create(fivePart(events))
    await Promise.all([daemon.shutdown(), daemon.shutdown()])
    expect(events).toEqual([])
    expect(lines).toEqual([])
    await expect(daemon.start()).rejects.toThrow('a daemon starts once')
  })
})

describe('shutdown timeout', () => {
  /** Ends when its signal says so, and writes when that was. */
  const untilAborted = (name: string, events: string[]): Acts => ({
    shutdown: (signal) =>
      new Promise((resolve) => {
        const begin = performance.now()
        signal.addEventListener('abort', () => {
          events.push(`${name} gave up after ${Math.round(performance.now() - begin)} ms`)
          resolve()
        })
      }),
  })

  test('leaves exporters three quarters of it when a client holds a receiver up', async () => {
    vi.useFakeTimers()
    const events: string[] = []
    const acts = { otlp: untilAborted('otlp', events), x: untilAborted('x', events) }
    const { daemon } = create(fivePart(events, acts, 20_000))
    await daemon.start()
    const stopping = daemon.shutdown()
    await vi.advanceTimersByTimeAsync(20_000)
    await stopping
    expect(events.filter((event) => event.includes('gave up'))).toEqual([
      'otlp gave up after 5000 ms',
      'x gave up after 15000 ms',
    ])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('abandons a component that ignores its abort signal, and names it', async () => {
    vi.useFakeTimers()
    const events: string[] = []
    const { daemon, lines } = create(fivePart(events, { x: { shutdown: () => new Promise(() => {}) } }, 1_000))
    await daemon.start()
    const stopping = daemon.shutdown()
    await vi.advanceTimersByTimeAsync(2_000)
    await stopping
    expect(lines).toContain('error x  did not stop in time: abandoned')
    expect(events).toContain('stop health')
  })

  test('does not wait for a start that hangs', async () => {
    vi.useFakeTimers()
    const events: string[] = []
    const { daemon } = create(fivePart(events, { x: { start: () => new Promise(() => {}) } }, 4_000))
    void daemon.start()
    await vi.waitFor(() => expect(events).toContain('start x'), { timeout: 20_000 })
    const stopping = daemon.shutdown()
    await vi.advanceTimersByTimeAsync(2_000)
    await stopping
    expect(events.slice(-3)).toEqual(['stop x', 'stop local', 'stop health'])
  })

  test('goes on when a component fails to stop', async () => {
    const events: string[] = []
    const { daemon, lines } = create(fivePart(events, { x: { shutdown: () => Promise.reject(new Error('defect')) } }))
    await daemon.start()
    await daemon.shutdown()
    expect(lines).toContain('error x  shutdown failed error="defect"')
    expect(events).toContain('stop health')
  })
})

test('a component that cannot go on is named in `failed` and in the log', async () => {
  let host: Host | undefined
  const keepHost: Acts = {
    async start(given) {
      host = given
    },
  }
  const events: string[] = []
  const { daemon, lines } = create(fivePart(events, { otlp: keepHost }))
  await daemon.start()
  host?.fatal(new Error('the socket is gone'))
  host?.fatal(new Error('and again'))
  expect(await daemon.failed).toMatchObject({ message: 'receiver otlp: the socket is gone' })
  expect(lines).toContain('error otlp  cannot go on error="the socket is gone"')
})

test('a host knows the extensions by their id', async () => {
  const events: string[] = []
  const found: (Component | undefined)[] = []
  const ask: Acts = {
    async start(host) {
      found.push(host.extension('local'), host.extension('other'))
    },
  }
  const config = fivePart(events, { x: ask })
  const local = component('local', events)
  const { daemon } = create({ ...config, extensions: { local: () => local } })
  await daemon.start()
  expect(found).toEqual([local, undefined])
})

test('a component that cannot be built is named', () => {
  const build = () => {
    throw new Error('no such template')
  }
  expect(() => create({ exporters: { 'x/a': build } })).toThrow('exporter x/a: no such template')
})

describe('pipelines', () => {
  /** Starts nothing: the consumer of each receiver, by id. */
  function wire(config: Omit<TestConfig, 'receivers'>, receivers: readonly string[]) {
    const consumers = new Map<string, LogsConsumer>()
    const keep = (id: string) => (next: LogsConsumer) => {
      consumers.set(id, next)
      return component(id, [])
    }
    create({ ...config, receivers: Object.fromEntries(receivers.map((id) => [id, keep(id)])) })
    return consumers
  }

  const fakes = () => {
    const x = new FakeExporter({ kind: 'take', rejected: rejected({ too_old: 1 }) })
    const y = new FakeExporter({ kind: 'take' })
    const as = (fake: FakeExporter) => () => Object.assign(component('', []), { reserve: () => fake.reserve() })
    return { x, y, exporters: { x: as(x), y: as(y) } }
  }

  test('a receiver in two pipelines sends to the exporters of both, all or nothing', () => {
    const { x, y, exporters } = fakes()
    const pipelines = {
      'logs/a': { receivers: ['otlp'], exporters: ['x'] },
      'logs/b': { receivers: ['otlp'], exporters: ['y'] },
    }
    const next = wire({ exporters, pipelines }, ['otlp']).get('otlp') as LogsConsumer
    const answers = consume(next)
    x.queued()
    y.queued()
    expect(answers).toMatchObject([{ rejected: 0, message: 'x did not take 1 too_old: a too_old record' }])
  })

  test('a receiver sends to no exporter of a pipeline it is not in', () => {
    const { x, y, exporters } = fakes()
    const pipelines = {
      'logs/a': { receivers: ['otlp'], exporters: ['x'] },
      'logs/b': { receivers: ['otlp/b'], exporters: ['y'] },
    }
    const next = wire({ exporters, pipelines }, ['otlp', 'otlp/b']).get('otlp') as LogsConsumer
    const answers = consume(next)
    x.queued()
    expect(answers).toMatchObject([{ rejected: 1 }])
    expect(y.calls).toEqual([])
  })

  test('an exporter gets the shape of its pipelines and the budget of memory_limiter', () => {
    const seen: unknown[] = []
    create({
      processors: { batch: { flushIntervalMs: 300 }, memory_limiter: { budgetBytes: 1234 } },
      exporters: {
        x: ({ shape, budget }) => {
          seen.push(shape, budget.capacity)
          return component('x', [])
        },
      },
      pipelines: { logs: { processors: ['memory_limiter', 'batch'], exporters: ['x'] } },
    })
    expect(seen).toEqual([{ flushIntervalMs: 300 }, 1234])
  })
})

describe('the log', () => {
  test('at start: version, pipelines, memory, and every note once', async () => {
    const { daemon, lines } = create({
      processors: {
        batch: { notes: ['batch holds no records here'] },
        'batch/b': { notes: ['batch holds no records here'] },
        memory_limiter: { budgetBytes: 64 * 1024 ** 2 },
      },
      exporters: { x: () => component('x', []), y: () => component('y', []) },
      receivers: { otlp: () => component('otlp', []) },
      pipelines: {
        logs: { receivers: ['otlp'], processors: ['memory_limiter', 'batch'], exporters: ['x', 'y'] },
        'logs/b': { receivers: ['otlp'], processors: ['memory_limiter', 'batch'], exporters: ['x'] },
      },
      notes: ['the receiver otlp/2 is configured and used nowhere'],
    })
    await daemon.start()
    expect(lines[0]).toBe(`info  otlp-cloudwatch 1.2.3 node=${process.version} pid=${process.pid}`)
    expect(lines[1]).toBe('info  pipeline logs: otlp -> memory_limiter -> batch -> x, y')
    expect(lines[2]).toBe('info  pipeline logs/b: otlp -> memory_limiter -> batch -> x')
    expect(lines[3]).toMatch(/^info {2}buffers hold at most 64 MiB; the memory limit is \d+ MiB$/)
    expect(lines.slice(4)).toEqual([
      'info  the receiver otlp/2 is configured and used nowhere',
      'info  batch holds no records here',
    ])
  })

  test('at the end: the records of each exporter by outcome', async () => {
    const ledger = new Ledger()
    const exporters = { x: () => Object.assign(component('x', []), { ledger }), y: () => component('y', []) }
    const { daemon, lines } = create({ exporters })
    await daemon.start()
    ledger.receive(10)
    ledger.reject('too_old', 1)
    ledger.settle({ kind: 'delivered' }, 9)
    await daemon.shutdown()
    expect(lines.at(-1)).toBe(
      'info  stopped records={"x":{"received":10,"delivered":9,"lost":0,"rejected":1,"rejected(too_old)":1}}',
    )
  })

  test('at the end, as an error, that records are lost', async () => {
    const ledger = new Ledger()
    const { daemon, lines } = create({ exporters: { x: () => Object.assign(component('x', []), { ledger }) } })
    await daemon.start()
    ledger.receive(2)
    ledger.settle({ kind: 'lost', reason: 'shutdown' }, 2)
    await daemon.shutdown()
    expect(lines.at(-1)).toBe(
      'error stopped with lost records records={"x":{"received":2,"delivered":0,"lost":2,"lost(shutdown)":2}}',
    )
  })
})

describe('/metrics', () => {
  const onPort = (port: number) => ({
    telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port } } } }] } },
  })

  async function serve() {
    const { daemon, lines } = create(onPort(0))
    await daemon.start()
    const url = /url=(\S+)/.exec(lines.join('\n'))?.[1] ?? ''
    return { daemon, url }
  }

  test('shows process, target and buffers in the Prometheus format', async () => {
    const { url } = await serve()
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const text = await response.text()
    expect(text).toContain('# TYPE otelcol_process_uptime counter\n')
    expect(text).toContain('target_info{service_name="otlp-cloudwatch",service_version="1.2.3",service_instance_id="')
    expect(text).toContain('\notlp_cloudwatch_buffer_bytes 0\n')
  })

  test.for([
    ['HEAD', '/metrics', 200],
    ['GET', '/metrics?x=1', 200],
    ['GET', '/', 404],
    ['GET', '/metrics/x', 404],
    ['POST', '/metrics', 405],
  ] as const)('answers %s %s with %i', async ([method, path, status]) => {
    const { url } = await serve()
    const response = await fetch(new URL(path, url), { method })
    expect(response.status).toBe(status)
    if (method === 'HEAD') expect(await response.text()).toBe('')
  })

  test('is gone after shutdown, even during a request', async () => {
    const { daemon, url } = await serve()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    const closed = new Promise((resolve) => socket.once('close', resolve))
    // The answer to the first shows that the half of the second has come too.
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /met')
    await new Promise((resolve) => socket.once('data', resolve))
    await daemon.shutdown()
    await closed
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  test('on a port that is taken fails the start and names the option', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve)
    })
    const { port } = other.address() as AddressInfo
    const { daemon } = create(onPort(port))
    await expect(daemon.start()).rejects.toThrow(
      `service telemetry.metrics: readers[].pull.exporter.prometheus: 127.0.0.1:${port} is in use: ` +
        'stop the process that listens there, or write another port',
    )
    other.close()
  })
})
