import { describe, expect, test } from 'vitest'
import { NOTHING_REJECTED } from '../../../../../src/accounting/rejections.ts'
import { Ledgers } from '../../../../../src/exporters/awscloudwatchlogs/accounting/ledgers.ts'
import { destination } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { type Gap, gapMarker } from '../../../../../src/exporters/awscloudwatchlogs/accounting/gaps.ts'
import { itemBatch, namedItems } from '../../../../fakes/items.ts'
import { settledPromises } from '../../../../fakes/sender.ts'

const LANE = 'group:stream'

/** Ledgers that write markers while `room` is true, and what they wrote. */
function ledgers() {
  const markers: { lane: string; records: number; reasons: Record<string, number> }[] = []
  const state = { room: true }
  const made = new Ledgers(async (lane: string, { records, reasons }: Gap) => {
    if (state.room) markers.push({ lane, records, reasons: Object.fromEntries(reasons) })
    return state.room
  })
  return { ledgers: made, markers, state }
}

function receive(to: Ledgers, records: number): void {
  const items = itemBatch(namedItems('r', records))
  const target = { lane: 'group:stream', destination: destination('group', 'stream') }
  const routed = [{ ...target, items, records: new Uint32Array(records) }]
  to.admit({ records, rejected: NOTHING_REJECTED, rejectedByLane: [], routed, moreParts: 0, dropped: 0 }, [])
}

describe('gap markers', () => {
  test('are written once, when the lane delivers again, with all missing records', async () => {
    const { ledgers: counted, markers } = ledgers()
    receive(counted, 10)
    counted.settled({ kind: 'lost', reason: 'expired' }, 3, LANE)
    counted.settled({ kind: 'rejected', reason: 'too_old' }, 2, LANE)
    expect(markers).toEqual([])
    counted.settled({ kind: 'delivered' }, 1, LANE)
    counted.settled({ kind: 'delivered' }, 4, LANE)
    expect(markers).toEqual([{ lane: LANE, records: 5, reasons: { expired: 3, too_old: 2 } }])
    await settledPromises()
    expect(counted.gaps.markers).toBe(1)
  })

  test('are kept for later where there is no room now', async () => {
    const { ledgers: counted, markers, state } = ledgers()
    receive(counted, 4)
    counted.settled({ kind: 'lost', reason: 'expired' }, 1, LANE)
    state.room = false
    counted.settled({ kind: 'delivered' }, 1, LANE)
    // Missed before it is known that there was no room.
    counted.settled({ kind: 'rejected', reason: 'too_old' }, 1, LANE)
    await settledPromises()
    expect(counted.gaps.markers).toBe(0)
    state.room = true
    counted.settled({ kind: 'delivered' }, 1, LANE)
    await settledPromises()
    expect(markers).toEqual([{ lane: LANE, records: 2, reasons: { expired: 1, too_old: 1 } }])
  })

  test('do not mention dead letters: those are kept, not missing', () => {
    const { ledgers: counted, markers } = ledgers()
    receive(counted, 2)
    counted.settled({ kind: 'dead_lettered' }, 1, LANE)
    counted.settled({ kind: 'delivered' }, 1, LANE)
    expect(markers).toEqual([])
  })

  test('are events that give the number, the time range and the reason', () => {
    const gap = {
      records: 5,
      fromMs: Date.UTC(2026, 0, 2),
      toMs: Date.UTC(2026, 0, 3),
      reasons: new Map([['expired', 5]]),
    }
    const { bytes, index } = gapMarker(gap)
    const { message } = JSON.parse(Buffer.from(bytes).toString().slice(0, -1)) as { message: string }
    expect(index[2]).toBe(Buffer.byteLength(message) + 26)
    expect(JSON.parse(message)).toMatchObject({
      body: '5 records are missing here: lost from 2026-01-02T00:00:00.000Z to 2026-01-03T00:00:00.000Z (5 expired)',
      severity_text: 'WARN',
      attributes: { gap: { records: 5, reasons: { expired: 5 } } },
    })
  })
})

describe('the ledger of a destination', () => {
  test('balances beside that of the exporter', () => {
    const { ledgers: counted } = ledgers()
    receive(counted, 10)
    counted.settled({ kind: 'delivered' }, 6, LANE)
    counted.settled({ kind: 'lost', reason: 'expired' }, 1, LANE)
    const own = counted.destinations.of(LANE)
    expect([own.received, own.delivered, own.queued, own.lost.expired, own.difference()]).toEqual([10, 6, 3, 1, 0])
    expect(counted.ledger.difference()).toBe(0)
  })
})
