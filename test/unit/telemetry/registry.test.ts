import { describe, expect, test } from 'vitest'
import { registerProcess, registerTarget } from '../../../src/telemetry/process-metrics.ts'
import { Registry } from '../../../src/telemetry/registry.ts'

const SENT = { name: 'otelcol_exporter_sent_log_records', type: 'counter', help: 'Sent.' } as const

describe('Registry', () => {
  test('renders the samples of several components as one family', () => {
    const registry = new Registry()
    registry.register([SENT], (emit) => emit(SENT, { exporter: 'a' }, 1))
    registry.register([SENT], (emit) => emit(SENT, { exporter: 'b' }, 2))
    expect(registry.render()).toBe(
      '# HELP otelcol_exporter_sent_log_records Sent.\n' +
        '# TYPE otelcol_exporter_sent_log_records counter\n' +
        'otelcol_exporter_sent_log_records{exporter="a"} 1\n' +
        'otelcol_exporter_sent_log_records{exporter="b"} 2\n',
    )
  })

  test('collects at each scrape, and no more after it is unregistered', () => {
    const registry = new Registry()
    let count = 0
    const remove = registry.register([SENT], (emit) => emit(SENT, {}, ++count))
    registry.render()
    expect(registry.render()).toContain('otelcol_exporter_sent_log_records 2\n')
    remove()
    expect(registry.render()).toBe('')
    expect(count).toBe(2)
  })

  test.for([
    ['a backslash', 'a\\b', 'a\\\\b'],
    ['a quote', 'a"b', 'a\\"b'],
    ['a line feed', 'a\nb', 'a\\nb'],
  ] as const)('escapes %s in a label', ([, value, expected]) => {
    const registry = new Registry()
    registry.register([SENT], (emit) => emit(SENT, { group: value }, 1))
    expect(registry.render()).toContain(`{group="${expected}"} 1`)
  })

  test('escapes a line feed and a backslash in the help', () => {
    const registry = new Registry()
    registry.register([{ ...SENT, help: 'a\nb\\c' }], (emit) => emit(SENT, {}, 1))
    expect(registry.render()).toContain(`# HELP ${SENT.name} a\\nb\\\\c\n`)
  })

  test.for([
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [Number.NaN, 'NaN'],
    [0.5, '0.5'],
    [1e21, '1e+21'],
  ] as const)('writes %d as Prometheus reads it', ([value, expected]) => {
    const registry = new Registry()
    registry.register([SENT], (emit) => emit(SENT, {}, value))
    expect(registry.render()).toContain(`${SENT.name} ${expected}\n`)
  })

  test('refuses a name that is already registered as another type', () => {
    const registry = new Registry()
    registry.register([SENT], () => {})
    expect(() => registry.register([{ ...SENT, type: 'gauge' }], () => {})).toThrow(
      'metric otelcol_exporter_sent_log_records is a counter and cannot be registered as a gauge',
    )
  })

  test('refuses a sample of a metric that was not defined', () => {
    const registry = new Registry()
    registry.register([SENT], (emit) => emit({ ...SENT, name: 'other' }, {}, 1))
    expect(() => registry.render()).toThrow('metric other was emitted but not defined')
  })
})

describe('registerProcess', () => {
  test("shows the process under the collector's names, without unit or _total", () => {
    const registry = new Registry()
    registerProcess(registry)
    registerTarget(registry, { service_name: 'otlp-cloudwatch', service_version: '1.2.3', service_instance_id: 'i' })
    const values = new Map(
      registry
        .render()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]),
    )
    expect(values.get('otelcol_process_uptime')).toBeGreaterThan(0)
    expect(values.get('otelcol_process_cpu_seconds')).toBeGreaterThan(0)
    expect(values.get('otelcol_process_memory_rss')).toBeGreaterThan(
      values.get('otelcol_process_runtime_heap_alloc_bytes') ?? Infinity,
    )
    expect(values.get('otelcol_process_runtime_total_sys_memory_bytes')).toBeGreaterThan(1e6)
    expect(
      values.get('target_info{service_name="otlp-cloudwatch",service_version="1.2.3",service_instance_id="i"}'),
    ).toBe(1)
  })
})
