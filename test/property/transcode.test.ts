import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TextTooLong } from '../../src/wire/json-text.ts'
import { MalformedProtobuf } from '../../src/wire/protobuf-reader.ts'
import { logsRequest } from '../fakes/logs-request.ts'
import {
  NOW_MS,
  NOW_NANOS,
  type Setup,
  storedByLane,
  type StoredEvent,
  transcoder,
} from '../unit/exporters/awscloudwatchlogs/event/transcode-request.ts'
import { canonicalJson, expectedEvents } from './expected-events.ts'
import { resources } from './logs-arbitrary.ts'

describe('a valid request', () => {
  test('becomes the events that decoding and JSON.stringify would make', () => {
    const reused = transcoder()
    fc.assert(
      fc.property(resources, (resources) => {
        const request = logsRequest(...resources)
        const { events, rejected } = expectedEvents(request)
        const stored = [...storedByLane(reused, request).values()].flat()
        expect(stored.map(({ record, timestamp }) => [record, timestamp])).toEqual(
          events.map(({ record, timestamp }) => [record, timestamp]),
        )
        for (const [at, { message, counted }] of stored.entries()) {
          expect(canonicalJson(message)).toBe(canonicalJson(events[at]?.json ?? ''))
          expect(counted).toBe(Buffer.byteLength(message) + 26)
        }
        const outcome = reused.transcode(request, NOW_MS)
        const counts = [...outcome.rejected.byReason].map(([reason, { count }]) => [reason, count])
        expect(Object.fromEntries(counts)).toEqual(rejected)
        expect(outcome.records).toBe(events.length + outcome.rejected.count)
      }),
      { numRuns: 1_000 },
    )
  })

  test('keeps to any limit on events and stays JSON', () => {
    fc.assert(
      fc.property(resources, fc.integer({ min: 256, max: 2_000 }), (resources, maxMessageBytes) => {
        const stored = storedByLane(transcoder({ maxMessageBytes }), logsRequest(...resources))
        for (const { message, counted } of [...stored.values()].flat()) {
          expect(counted).toBeLessThanOrEqual(maxMessageBytes + 26)
          expect(counted).toBe(Buffer.byteLength(message) + 26)
          JSON.parse(message)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('keeps each record whole, for each of many destinations', () => {
    const setup: Setup = { group: '/{a}/{service.name}', stream: '{k8s.pod.name}' }
    fc.assert(
      fc.property(resources, (resources) => {
        const request = logsRequest(...resources)
        const together = byRecord(storedByLane(transcoder(), request))
        const apart = byRecord(storedByLane(transcoder(setup), request))
        expect(apart).toEqual(together)
      }),
      { numRuns: 300 },
    )
  })
})

describe('any bytes at all', () => {
  const setups: Setup[] = [{}, { rawLog: true, routeFromBody: true }, { group: '{a}', stream: '{service.name}' }]
  const transcoders = setups.map(transcoder)

  /** Takes the bytes or refuses them in one of the two ways there are; what it takes is what CloudWatch will read. */
  function takeOrRefuse(bytes: Uint8Array): void {
    for (const each of transcoders) {
      try {
        for (const { message, counted } of [...storedByLane(each, bytes).values()].flat())
          expect(counted).toBe(Buffer.byteLength(message) + 26)
      } catch (error) {
        if (!(error instanceof MalformedProtobuf) && !(error instanceof TextTooLong)) throw error
      }
    }
  }

  const full = logsRequest({
    resource: { 'service.name': 'shop', a: ['x', { kvlist: { b: 1.5 } }] },
    scopes: [
      {
        name: 'scope',
        version: '1',
        attributes: { s: null },
        records: [
          {
            time: NOW_NANOS,
            observed: NOW_NANOS,
            severityNumber: 9,
            severityText: 'INFO',
            body: { kvlist: { text: 'grüße "you"', deep: [[[true]]], bytes: Uint8Array.of(1, 2) } },
            attributes: { int: -1n, 'k8s.pod.name': 'p' },
            dropped: 300,
            flags: 1,
            traceId: new Uint8Array(16).fill(7),
            spanId: new Uint8Array(8).fill(7),
            eventName: 'event',
          },
          { body: '{"log_group_name":"g"}' },
        ],
      },
    ],
  })

  test('noise', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), takeOrRefuse), { numRuns: 3_000 })
  })

  test('noise that begins as a request does', () => {
    // Tags and lengths that lead further in than chance would.
    const piece = fc.oneof(
      fc.constantFrom(0x0a, 0x12, 0x1a, 0x2a, 0x32, 0x3a, 0x08, 0x21, 0x09, 0x45, 0x4a, 0x52),
      fc.nat(40),
      fc.nat(255),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 120 }).map((bytes) => Uint8Array.from(bytes)),
        takeOrRefuse,
      ),
      {
        numRuns: 3_000,
      },
    )
  })

  test('a request cut short at every length', () => {
    for (let length = 0; length <= full.length; length++) takeOrRefuse(full.subarray(0, length))
  })

  test('a request with each of its bits flipped', () => {
    for (let bit = 0; bit < full.length * 8; bit++) {
      const bytes = Uint8Array.from(full)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      takeOrRefuse(bytes)
    }
  })

  test('generated requests with bytes changed, removed and repeated', () => {
    const damage = fc.record({ at: fc.nat(), by: fc.nat(255), how: fc.constantFrom('change', 'cut', 'double') })
    fc.assert(
      fc.property(resources, fc.array(damage, { minLength: 1, maxLength: 4 }), (resources, damages) => {
        let bytes = Buffer.from(logsRequest(...resources))
        for (const { at, by, how } of damages) {
          if (bytes.length === 0) return
          const place = at % bytes.length
          if (how === 'change') bytes[place] = by
          else if (how === 'cut') bytes = Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + by)])
          else bytes = Buffer.concat([bytes.subarray(0, place + by), bytes.subarray(place)])
        }
        takeOrRefuse(bytes)
      }),
      { numRuns: 1_500 },
    )
  })
})

function byRecord(lanes: ReadonlyMap<string, readonly StoredEvent[]>): StoredEvent[] {
  return [...lanes.values()].flat().sort((a, b) => a.record - b.record)
}
