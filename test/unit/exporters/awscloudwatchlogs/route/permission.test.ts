import { describe, expect, test } from 'vitest'
import type { Identity } from '../../../../../src/component/authenticator.ts'
import type { ItemBatch } from '../../../../../src/delivery/contract/items.ts'
import { logsRequest, recordsRequest } from '../../../../fakes/logs-request.ts'
import { NOW_MS, NOW_NANOS, rejectedBy, type Setup, transcoder } from '../event/transcode-request.ts'

// What a tenant may not write is rejected, wherever the exporter would have put it.

const BLUE: Identity = { name: 'blue', allowedGroups: ['/blue/*', '/shared'] }
const DAY_NANOS = 86_400_000_000_000n

/** Where records of these groups go, with the identity of a sender: `group:stream` and how many, then what is rejected. */
function sent(groups: readonly string[], setup: Setup = {}, identity: Identity | undefined = BLUE) {
  const harness = transcoder({ group: '{g}', ...setup })
  const request = recordsRequest(...groups.map((g) => ({ body: g, attributes: { g } })))
  const { records, rejected, routed } = harness.transcode(request, NOW_MS, identity)
  return {
    records,
    rejected: rejectedBy(rejected),
    lanes: Object.fromEntries(routed.map(({ destination, items }) => [destination.key, items.count])),
    bodies: routed.flatMap(({ items }) => bodiesOf(items)),
    diverted: harness.diverted,
  }
}

function bodiesOf(items: ItemBatch): string[] {
  const events = JSON.parse(`[${Buffer.from(items.bytes).toString().slice(0, -1)}]`) as { readonly message: string }[]
  return events.map(({ message }) => (JSON.parse(message) as { readonly body: string }).body)
}

const NOT_RED = 'not_permitted: blue may not write the log group /red'

describe('a sender that is bound to groups', () => {
  test('writes those, and has the rest of its records rejected', () => {
    expect(sent(['/blue/a', '/red', '/shared', '/blue/b', '/red'])).toEqual({
      records: 5,
      rejected: [`2 ${NOT_RED}`],
      lanes: { '/blue/a:s': 1, '/shared:s': 1, '/blue/b:s': 1 },
      bodies: ['/blue/a', '/shared', '/blue/b'],
      diverted: { destination_not_allowed: 0, destination_cap: 0 },
    })
  })

  test.each(['/blue', '/blue-green', 'x/blue/a', '/shared/', '/SHARED', 'overflow-group'])(
    'is matched exactly: not %s',
    (group) => expect(sent([group]).rejected).toEqual([`1 not_permitted: blue may not write the log group ${group}`]),
  )

  test('is checked with the name CloudWatch gets', () => {
    const identity = { name: 'odd', allowedGroups: ['/a_b'] }
    expect(sent(['/a b'], {}, identity).lanes).toEqual({ '/a_b:s': 1 })
  })

  test('is checked with the resource’s group where the resource names it', () => {
    const harness = transcoder({ group: '{g}' })
    const of = (g: string) => ({ resource: { g }, scopes: [{ records: [{ body: '1' }, { body: '2' }] }] })
    const { rejected, routed } = harness.transcode(logsRequest(of('/red'), of('/blue/a'), of('/red')), NOW_MS, BLUE)
    expect(rejectedBy(rejected)).toEqual([`4 ${NOT_RED}`])
    expect(routed.map(({ destination, items }) => [destination.key, items.count])).toEqual([['/blue/a:s', 2]])
  })

  test('is checked with a literal name', () => {
    expect(sent(['x'], { group: '/red' }).rejected).toEqual([`1 ${NOT_RED}`])
    expect(sent(['x'], { group: '/shared' }).rejected).toEqual([])
  })

  test('does not use up the cap on new destinations with groups it may not write', () => {
    const harness = transcoder({ group: '{g}', maxNewAnHour: 1 })
    const lanes = (g: string) =>
      harness
        .transcode(recordsRequest({ body: 'x', attributes: { g } }), NOW_MS, BLUE)
        .routed.map(({ destination }) => destination.key)
    expect(lanes('/red')).toEqual([])
    expect(lanes('/blue/a')).toEqual(['/blue/a:s'])
  })

  test('is checked besides the exporter’s rules, which still send disallowed groups to the overflow group', () => {
    expect(sent(['/blue/a', '/red', '/shared'], { allowedGroups: ['/shared', '/red'] })).toMatchObject({
      rejected: [`1 ${NOT_RED}`],
      lanes: { 'overflow-group:overflow-stream': 1, '/shared:s': 1 },
      diverted: { destination_not_allowed: 1 },
    })
  })

  test('cannot reach another group by the time of its records', () => {
    const request = recordsRequest({ body: 'old', time: NOW_NANOS - 20n * DAY_NANOS, attributes: { g: '/red' } })
    for (const lateEvents of ['clamp', 'divert'] as const) {
      const harness = transcoder({ group: '{g}', lateEvents })
      const { rejected, routed } = harness.transcode(request, NOW_MS, BLUE)
      expect(rejectedBy(rejected)).toEqual([`1 ${NOT_RED}`])
      expect(routed).toEqual([])
      expect(harness.late).toBe(0)
    }
  })

  test('is checked with the group a body names, with route_from_body', () => {
    const harness = transcoder({ group: '/red', rawLog: true, routeFromBody: true })
    const bodies = ['{"log_group_name":"/blue/a"}', '{"log_group_name":"/green"}', 'plain']
    const { rejected, routed } = harness.transcode(recordsRequest(...bodies.map((body) => ({ body }))), NOW_MS, BLUE)
    expect(routed.map(({ destination }) => destination.key)).toEqual(['/blue/a:s'])
    expect(rejectedBy(rejected)).toEqual(['2 not_permitted: blue may not write the log group /green'])
  })
})

test('the rights of one sender do not apply to another, or to one without rules', () => {
  const harness = transcoder({ group: '{g}' })
  const red: Identity = { name: 'red', allowedGroups: ['/red'] }
  const request = recordsRequest(...['/red', '/shared'].map((g) => ({ body: g, attributes: { g } })))
  const lanes = (identity?: Identity) =>
    harness.transcode(request, NOW_MS, identity).routed.map(({ destination }) => destination.key)
  expect(lanes(BLUE)).toEqual(['/shared:s'])
  expect(lanes(red)).toEqual(['/red:s'])
  expect(lanes()).toEqual(['/red:s', '/shared:s'])
  expect(lanes(BLUE)).toEqual(['/shared:s'])
})

test('a late event goes to the late group, also where its body names another', () => {
  const harness = transcoder({ rawLog: true, routeFromBody: true, lateEvents: 'divert' })
  const old = { body: '{"log_group_name":"/named"}', time: NOW_NANOS - 20n * DAY_NANOS }
  const { routed } = harness.transcode(recordsRequest(old), NOW_MS)
  expect(routed.map(({ destination }) => destination.key)).toEqual(['late:late'])
})

describe('patterns with many stars cost time linear in the name', () => {
  const STARS = '*a*a*a*a*a*a*a*b'
  const request = recordsRequest(
    ...Array.from({ length: 50 }, (_, i) => ({ attributes: { g: `${'a'.repeat(400)}${i}` } })),
  )

  test('in allowed_log_groups of the exporter', () => {
    const { routed } = transcoder({ group: '{g}', allowedGroups: [STARS] }).transcode(request, NOW_MS)
    expect(routed.map(({ destination }) => destination.group)).toEqual(['overflow-group'])
  })

  test('in allowed_log_groups of a tenant', () => {
    const identity = { name: 'starry', allowedGroups: [STARS] }
    expect(transcoder({ group: '{g}' }).transcode(request, NOW_MS, identity).rejected.count).toBe(50)
  })
})
