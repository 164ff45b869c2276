import { describe, expect, test } from 'vitest'
import type { ItemBatch } from '../../../../../src/delivery/contract/items.ts'
import type { RequestForm } from '../../../../../src/exporters/awscloudwatchlogs/event/transcode.ts'
import { type Attributes, logsRequest } from '../../../../fakes/logs-request.ts'
import { NOW_MS, rejectedBy, type Setup, transcoder } from '../event/transcode-request.ts'

// aws.log.group.names and aws.log.stream.names of a resource: the destination, if the request or the exporter says so.

const JSON_FORM: RequestForm = { namesDestination: true }
const GROUP = 'aws.log.group.names'
const STREAM = 'aws.log.stream.names'

function lanes(resource: Attributes, setup: Setup = {}, form: RequestForm = JSON_FORM, attributes = {}) {
  const request = logsRequest({
    resource,
    scopes: [
      {
        records: [
          { body: 'b', attributes },
          { body: 'c', attributes },
        ],
      },
    ],
  })
  const { routed } = transcoder(setup).transcode(request, NOW_MS, undefined, form)
  return Object.fromEntries(routed.map(({ destination, items }) => [destination.key, items.count]))
}

test.each([
  ['strings', { [GROUP]: '/x', [STREAM]: 'y' }, '/x:y'],
  ['lists of one, as in the semantic conventions', { [GROUP]: ['/x'], [STREAM]: ['y'] }, '/x:y'],
  ['the first of several', { [GROUP]: ['/x', '/z'], [STREAM]: ['y', 'z'] }, '/x:y'],
  ['a group alone', { [GROUP]: '/x' }, '/x:s'],
  ['a stream alone', { [STREAM]: 'y' }, 'g:y'],
  ['characters that are illegal', { [GROUP]: '/a b', [STREAM]: 'a:b' }, '/a_b:a_b'],
  ['a name that AWS reserves', { [GROUP]: 'aws/x' }, 'aws_x:s'],
  ['empty names, which count as none', { [GROUP]: '', [STREAM]: [] }, 'g:s'],
  ['a map, which is no name', { [GROUP]: { kvlist: { a: 'b' } } }, 'g:s'],
])('%s', (_, resource, lane) => {
  expect(lanes(resource)).toEqual({ [lane]: 2 })
})

describe('who decides', () => {
  const named = { [GROUP]: '/x', [STREAM]: 'y' }
  test('a request of OTLP does not, unless the exporter says so', () => {
    expect(lanes(named, {}, {})).toEqual({ 'g:s': 2 })
    expect(lanes(named, { routeFromAttributes: true }, {})).toEqual({ '/x:y': 2 })
  })

  test('an exporter that says no is obeyed', () => {
    expect(lanes(named, { routeFromAttributes: false })).toEqual({ 'g:s': 2 })
  })

  test('only groups of allowed_log_groups are written', () => {
    expect(lanes(named, { allowedGroups: ['/other/*'] })).toEqual({ 'overflow-group:overflow-stream': 2 })
  })

  test('a tenant may name only its own groups', () => {
    const under = transcoder()
    const request = logsRequest({ resource: named, scopes: [{ records: [{ body: 'b' }] }] })
    const { rejected } = under.transcode(request, NOW_MS, { name: 'blue', allowedGroups: ['/blue/*'] }, JSON_FORM)
    expect(rejectedBy(rejected)).toEqual(['1 not_permitted: blue may not write the log group /x'])
  })
})

describe('with templates', () => {
  const setup = { group: '/{service.name}', stream: '{pod}' }
  test('a name replaces its template, and the other is filled from the record', () => {
    expect(lanes({ [GROUP]: '/x' }, setup, JSON_FORM, { pod: 'p' })).toEqual({ '/x:p': 2 })
    expect(lanes({ [STREAM]: 'y' }, setup, JSON_FORM, { 'service.name': 'n' })).toEqual({ '/n:y': 2 })
  })

  test('a name replaces a template of alternatives, metadata and time, which fill the other', () => {
    const metadata = new Map([['x-tenant', ['blue']]])
    const form = { ...JSON_FORM, metadata }
    const both = { group: '/{metadata.x-tenant|team}', stream: '{time:%Y}-{pod|"none"}' }
    expect(lanes({ [GROUP]: '/x' }, both, form, { pod: 'p' })).toEqual({ '/x:2026-p': 2 })
    expect(lanes({ [STREAM]: 'y' }, both, form)).toEqual({ '/blue:y': 2 })
    expect(lanes({}, both, form)).toEqual({ '/blue:2026-none': 2 })
    expect(lanes({ [STREAM]: 'y' }, both, JSON_FORM, { team: 't' })).toEqual({ '/t:y': 2 })
  })

  test('the names of one resource do not apply to the next', () => {
    const scopes = [{ records: [{ body: 'b' }] }]
    const request = logsRequest(
      { resource: { [GROUP]: '/x', [STREAM]: 'y' }, scopes },
      { resource: { pod: 'p', 'service.name': 'n' }, scopes },
    )
    const { routed } = transcoder(setup).transcode(request, NOW_MS, undefined, JSON_FORM)
    expect(routed.map(({ destination }) => destination.key)).toEqual(['/x:y', '/n:p'])
  })
})

test('bare: the event is the body alone', () => {
  const request = logsRequest({ resource: { a: 'b' }, scopes: [{ records: [{ body: 'text' }] }] })
  const message = ({ bytes }: ItemBatch) =>
    (JSON.parse(Buffer.from(bytes).toString().slice(0, -1)) as { message: string }).message
  const under = transcoder()
  const [bare] = under.transcode(request, NOW_MS, undefined, { bare: true }).routed
  expect(bare && message(bare.items)).toBe('text')
  const [whole] = under.transcode(request, NOW_MS).routed
  expect(whole && JSON.parse(message(whole.items))).toMatchObject({ body: 'text', resource: { a: 'b' } })
})
