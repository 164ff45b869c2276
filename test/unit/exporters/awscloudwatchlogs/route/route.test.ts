import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Attributes, logsRequest, recordsRequest, type Value } from '../../../../fakes/logs-request.ts'
import { NOW_MS, routedOf, type Setup, transcoder } from '../event/transcode-request.ts'

/** Where one record goes. */
function laneOf(resource: Attributes, record: Attributes, setup: Setup): string {
  const request = logsRequest({ resource, scopes: [{ records: [{ body: 'x', attributes: record }] }] })
  return [...routedOf(request, setup).keys()].join(' ')
}

describe('placeholders are filled', () => {
  const group = '/svc/{ServiceName}'
  test.each<[string, Attributes, Attributes, string]>([
    ['by the resource', { 'service.name': 'shop' }, {}, '/svc/shop:s'],
    ['by a record where the resource has nothing', {}, { 'service.name': 'shop' }, '/svc/shop:s'],
    ['by the resource before the record', { 'service.name': 'res' }, { 'service.name': 'rec' }, '/svc/res:s'],
    ['by an attribute literally named so first', { ServiceName: 'lit', 'service.name': 'map' }, {}, '/svc/lit:s'],
    ['with undefined for nothing', {}, {}, '/svc/undefined:s'],
    ['not by an attribute whose name only begins so', { service: 'x', Service: 'y' }, {}, '/svc/undefined:s'],
    ['not by an attribute whose name goes on', { 'service.name.x': 'x' }, {}, '/svc/undefined:s'],
    ['with undefined for an empty text', { 'service.name': '' }, {}, '/svc/undefined:s'],
    ['by the record where the resource is empty', { 'service.name': '' }, { 'service.name': 'rec' }, '/svc/rec:s'],
    [
      'by the last of two',
      [
        ['service.name', 'a'],
        ['service.name', 'b'],
      ],
      {},
      '/svc/b:s',
    ],
  ])('%s', (_, resource, record, lane) => expect(laneOf(resource, record, { group })).toBe(lane))

  test.each<[string, Value, string]>([
    ['an int', 2n ** 63n - 1n, '/svc/9223372036854775807:s'],
    ['a double', 1.5, '/svc/1.5:s'],
    ['a boolean', false, '/svc/false:s'],
    ['the empty value', null, '/svc/undefined:s'],
    ['a list', ['a'], '/svc/undefined:s'],
    ['a map', { kvlist: { a: 'b' } }, '/svc/undefined:s'],
    ['bytes', Uint8Array.of(65), '/svc/undefined:s'],
  ])('%s', (_, value, lane) => expect(laneOf({ 'service.name': value }, {}, { group })).toBe(lane))

  test.each<[string, string, Attributes, Attributes, string]>([
    ['by the first alternative that has a value', '{a|b|"none"}', { b: 'B' }, { a: 'A' }, '/svc/A:s'],
    ['by the next alternative if the first is empty', '{a|b|"none"}', { a: '', b: 'B' }, {}, '/svc/B:s'],
    ['by the default if no alternative has a value', '{a|b|"none"}', {}, {}, '/svc/none:s'],
    ['in lower case', '{a:lower}', { a: 'ÄBc' }, {}, '/svc/_bc:s'],
    ['in upper case', '{a|ServiceName:upper}', {}, { 'service.name': 'shop' }, '/svc/SHOP:s'],
    ['by an attribute whose name has a colon', "{'a:b'}", { 'a:b': 'x' }, {}, '/svc/x:s'],
    ['by an attribute named like a property of objects', '{constructor}', {}, {}, '/svc/undefined:s'],
    [
      'by the first log group name of ECS',
      '{aws.log.group.names}',
      { 'aws.log.group.names': ['/a', '/b'] },
      {},
      '/svc//a:s',
    ],
    [
      'with undefined for an empty list',
      '{aws.log.group.names}',
      { 'aws.log.group.names': [] },
      {},
      '/svc/undefined:s',
    ],
    [
      'with undefined for a list of lists',
      '{aws.log.group.names}',
      { 'aws.log.group.names': [['/a']] },
      {},
      '/svc/undefined:s',
    ],
    ['by a single log group name', '{aws.log.group.names}', { 'aws.log.group.names': '/a' }, {}, '/svc//a:s'],
  ])('%s', (_, placeholder, resource, record, lane) =>
    expect(laneOf(resource, record, { group: `/svc/${placeholder}` })).toBe(lane),
  )

  test('by a scope, between the resource and the record', () => {
    const record = { body: 'x', attributes: { tenant: 'record' } }
    const scopes = [
      { attributes: { tenant: 'one' }, records: [record, record] },
      { attributes: {}, records: [record] },
      { records: [record] },
      { attributes: { tenant: 'two' }, records: [record] },
    ]
    const setup = { stream: '{tenant}' }
    expect([...routedOf(logsRequest({ scopes }), setup)].map(([lane, { length }]) => `${lane} ${length}`)).toEqual([
      'g:one 2',
      'g:record 2',
      'g:two 1',
    ])
    expect([...routedOf(logsRequest({ resource: { tenant: 'all' }, scopes }), setup).keys()]).toEqual(['g:all'])
  })

  test('by the UTC time of each event', () => {
    const at = (iso: string) => ({ body: 'x', time: BigInt(Date.parse(iso)) * 1_000_000n })
    const records = ['2026-01-01T23:59:59.999Z', '2026-01-02T00:00:00Z', '2026-01-02T00:59:59Z', '2026-01-02T01:00:00Z']
    const setup = { group: '/{time:%Y/%m/%d}', stream: '{time:%j-%H.%M}' }
    expect([...routedOf(recordsRequest(...records.map(at)), setup).keys()]).toEqual([
      '/2026/01/01:001-23.59',
      '/2026/01/02:002-00.00',
      '/2026/01/02:002-00.59',
      '/2026/01/02:002-01.00',
    ])
  })

  test('by the time under which a late event is stored', () => {
    const request = recordsRequest({ body: 'x', time: 1n }, { body: 'x', time: 2n ** 64n - 1n })
    const streams = (lateEvents: 'clamp' | 'dead_letter') =>
      [...routedOf(request, { stream: '{time:%Y-%m-%d}', lateEvents }).keys()].join(' ')
    expect(streams('clamp')).toBe('g:2025-12-19 g:2026-01-02')
    expect(streams('dead_letter')).toBe('g:1970-01-01 g:2554-07-21')
  })

  test('by metadata of the request, cut to the length of a name', () => {
    const under = transcoder({ group: '/t/{metadata.X-Tenant:lower|"none"}' })
    const lane = (metadata?: ReadonlyMap<string, readonly string[]>) =>
      under.transcode(recordsRequest({ body: 'x' }), NOW_MS, undefined, { metadata }).routed.map(({ lane }) => lane)
    expect(lane(new Map([['x-tenant', ['Blue', 'red']]]))).toEqual(['/t/blue:s'])
    expect(lane(new Map([['x-tenant', []]]))).toEqual(['/t/none:s'])
    expect(lane(new Map([['x-tenant', ['x'.repeat(100_000)]]]))).toEqual([`/t/${'x'.repeat(509)}:s`])
    expect(lane()).toEqual(['/t/none:s'])
  })

  test('any attribute can be used, in group and stream', () => {
    const setup = { group: '/eks/{k8s.namespace.name}', stream: '{k8s.pod.name}.{NodeName}' }
    const resource = { 'k8s.namespace.name': 'prod', 'k8s.pod.name': 'a-1', 'k8s.node.name': 'n' }
    expect(laneOf(resource, {}, setup)).toBe('/eks/prod:a-1.n')
  })

  test('a colon in a value cannot make one stream look like another', () => {
    expect(laneOf({ a: 'x:y' }, {}, { group: '{a}', stream: '{a}' })).toBe('x_y:x_y')
  })

  test('only the first part of a long value is used for a name', () => {
    expect(laneOf({ 'service.name': 'x'.repeat(1_000_000) }, {}, { group })).toBe(`/svc/${'x'.repeat(507)}:s`)
    expect(laneOf({ a: '😀'.repeat(300_000) }, {}, { group: '{a}' })).toBe(`${'_'.repeat(512)}:s`)
    expect(laneOf({ a: '😀'.repeat(300_000) }, {}, { stream: '{a}' })).toBe(`g:${'😀'.repeat(256)}`)
  })

  test('with the last value of a repeated attribute', () => {
    expect(laneOf({ a: { oneof: ['x', 7n, 'last'] } }, {}, { group: '{a}' })).toBe('last:s')
    expect(laneOf({ a: { oneof: ['x', 7n] } }, {}, { group: '{a}' })).toBe('7:s')
  })

  test('a record’s attribute never overrides its resource’s', () => {
    const setup = { group: '/svc/{ServiceName}', stream: '{request.id}' }
    const resource = { 'service.name': 'real' }
    expect(laneOf(resource, { ServiceName: 'fake', 'request.id': '7' }, setup)).toBe('/svc/real:7')
    expect(laneOf({ ...resource, 'request.id': '7' }, { ServiceName: 'fake' }, setup)).toBe('/svc/real:7')
  })
})

describe('one request for many destinations', () => {
  test('each record goes to its own, in the order of the request', () => {
    const records = ['a', 'b', 'a', 'c', 'b'].map((name, i) => ({ body: BigInt(i), attributes: { name } }))
    const lanes = routedOf(recordsRequest(...records), { stream: '{name}' })
    expect([...lanes].map(([key, events]) => [key, events.map(({ record }) => record)])).toEqual([
      ['g:a', [0, 2]],
      ['g:b', [1, 4]],
      ['g:c', [3]],
    ])
  })

  test('a record without a name, or with a name that shares a prefix with the previous one, gets its own destination', () => {
    const records = ['ab', 'ab', 'a', undefined, undefined, 'ab'].map((name) => ({
      body: 'x',
      attributes: name === undefined ? {} : { name },
    }))
    const lanes = routedOf(recordsRequest(...records), { stream: '{name}' })
    expect([...lanes].map(([key, events]) => [key, events.map(({ record }) => record)])).toEqual([
      ['g:ab', [0, 1, 5]],
      ['g:a', [2]],
      ['g:undefined', [3, 4]],
    ])
  })

  test('one whose destination is diverted is counted for each of its records', () => {
    const harness = transcoder({ group: '{name}', maxNewAnHour: 1 })
    const records = ['a', 'b', 'b', 'b'].map((name) => ({ body: 'x', attributes: { name } }))
    harness.transcode(recordsRequest(...records), NOW_MS)
    expect(harness.diverted).toEqual({ destination_not_allowed: 0, destination_cap: 3 })
  })

  test('values of one resource do not leak into the names of the next', () => {
    const records = [{ body: 'x' }]
    const request = logsRequest(
      { resource: { name: 'a' }, scopes: [{ records }] },
      { resource: {}, scopes: [{ records }] },
      { scopes: [{ records: [{ body: 'x', attributes: { name: 'b' } }, { body: 'x' }] }] },
    )
    const lanes = [...routedOf(request, { stream: '{name}' })]
    expect(lanes.map(([key, events]) => [key, events.map(({ record }) => record)])).toEqual([
      ['g:a', [0]],
      ['g:undefined', [1, 3]],
      ['g:b', [2]],
    ])
  })
})

describe('allowed_log_groups', () => {
  test.each([
    [['/eks/*'], 'prod', '/eks/prod'],
    [['/eks/prod'], 'prod', '/eks/prod'],
    [['/eks/p*d'], 'prod', '/eks/prod'],
    [['*'], 'prod', '/eks/prod'],
    [[], 'prod', '/eks/prod'],
    [['/eks/dev', '/eks/*'], 'prod', '/eks/prod'],
    [['/eks/pro'], 'prod', 'overflow-group'],
    [['eks/*'], 'prod', 'overflow-group'],
    [['/eks.prod'], 'prod', 'overflow-group'], // a dot is a dot
    [['/eks/(prod)'], 'prod', 'overflow-group'],
    [['/eks/*'], '../secret', '/eks/../secret'], // names are flat: .. goes nowhere
  ])('%j, namespace %s: %s', (allowedGroups, ns, group) => {
    expect(laneOf({ ns }, {}, { group: '/eks/{ns}', allowedGroups })).toMatch(`${group}:`)
  })

  test('disallowed groups are counted for each record', () => {
    const gated = transcoder({ group: '{ns}', allowedGroups: ['ok'] })
    const records = [{ body: 'x' }, { body: 'y' }]
    gated.transcode(logsRequest({ resource: { ns: 'no' }, scopes: [{ records }] }), NOW_MS)
    gated.transcode(logsRequest({ resource: { ns: 'ok' }, scopes: [{ records }] }), NOW_MS)
    expect(gated.diverted).toEqual({ destination_not_allowed: 2, destination_cap: 0 })
  })
})

describe('max_new_destinations', () => {
  const request = (...names: string[]) => recordsRequest(...names.map((name) => ({ body: 'x', attributes: { name } })))
  const lanes = (gated: ReturnType<typeof transcoder>, atMs: number, ...names: string[]) =>
    gated.transcode(request(...names), atMs).routed.map(({ destination }) => destination.key)

  test('over the cap new ones go to the overflow destination, known ones do not', () => {
    const gated = transcoder({ stream: '{name}', maxNewAnHour: 2 })
    expect(lanes(gated, NOW_MS, 'a', 'b', 'c', 'a')).toEqual(['g:a', 'g:b', 'overflow-group:overflow-stream'])
    expect(lanes(gated, NOW_MS + 1_000, 'b', 'd')).toEqual(['g:b', 'overflow-group:overflow-stream'])
    expect(gated.diverted).toEqual({ destination_not_allowed: 0, destination_cap: 2 })
  })

  test('an hour later there is room again', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const gated = transcoder({ stream: '{name}', maxNewAnHour: 1 })
    expect(lanes(gated, NOW_MS, 'a', 'b')).toEqual(['g:a', 'overflow-group:overflow-stream'])
    vi.advanceTimersByTime(3_599_999)
    expect(lanes(gated, NOW_MS, 'b')).toEqual(['overflow-group:overflow-stream'])
    vi.advanceTimersByTime(1)
    expect(lanes(gated, NOW_MS, 'b')).toEqual(['g:b'])
  })
})
