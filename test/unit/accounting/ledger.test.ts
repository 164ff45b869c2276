import { describe, expect, test } from 'vitest'
import { FILTERED_REASONS, LOST_REASONS, REJECTED_REASONS, type Settlement } from '../../../src/accounting/outcome.ts'
import { registerLedger } from '../../../src/accounting/ledger-metrics.ts'
import { Ledger, type LedgerSnapshot, sum } from '../../../src/accounting/ledger.ts'
import { Registry } from '../../../src/telemetry/registry.ts'

const SETTLEMENTS: readonly Settlement[] = [
  { kind: 'delivered' },
  { kind: 'dead_lettered' },
  ...REJECTED_REASONS.map((reason) => ({ kind: 'rejected', reason }) as const),
  ...LOST_REASONS.map((reason) => ({ kind: 'lost', reason }) as const),
]

describe('Ledger', () => {
  test('is balanced after every step, whatever becomes of the records', () => {
    const ledger = new Ledger()
    const steps = [
      () => ledger.receive(100),
      ...REJECTED_REASONS.map((reason) => () => ledger.reject(reason, 1)),
      ...FILTERED_REASONS.map((reason) => () => ledger.filter(reason, 2)),
      ...SETTLEMENTS.map((settlement) => () => ledger.settle(settlement, 3)),
    ]
    for (const step of steps) {
      step()
      expect(ledger.difference()).toBe(0)
    }
    expect(ledger.delivered).toBe(3)
    expect(ledger.deadLettered).toBe(3)
    expect(ledger.rejected.too_old).toBe(1 + 3)
    expect(ledger.filtered.dedup).toBe(2)
    expect(ledger.lost.expired).toBe(3)
    expect(ledger.queued).toBe(
      100 - 4 * REJECTED_REASONS.length - 2 * FILTERED_REASONS.length - 6 - 3 * LOST_REASONS.length,
    )
  })

  test('shows a count that bypassed its methods as a difference', () => {
    const ledger = new Ledger()
    ledger.receive(5)
    ledger.delivered += 2
    expect(ledger.difference()).toBe(-2)
  })

  test('counts an end other than delivery as failed to send, a rejection at admission not', () => {
    const ledger = new Ledger()
    ledger.receive(10)
    ledger.reject('too_old', 1)
    ledger.settle({ kind: 'delivered' }, 2)
    ledger.settle({ kind: 'rejected', reason: 'poison' }, 3)
    ledger.settle({ kind: 'lost', reason: 'shutdown' }, 4)
    expect(ledger.sendFailed).toBe(7)
    expect(sum(ledger.rejected)).toBe(4)
  })

  test('refuses to settle more than is queued and stays as it was', () => {
    const ledger = new Ledger()
    ledger.receive(1)
    expect(() => ledger.settle({ kind: 'delivered' }, 2)).toThrow('2 records settled while 1 are queued')
    expect(ledger.queued).toBe(1)
    expect(ledger.difference()).toBe(0)
  })

  test('continues from its snapshot in JSON, without queued records', () => {
    const ledger = busy()
    const kept = JSON.parse(JSON.stringify(ledger.snapshot())) as LedgerSnapshot
    const next = new Ledger()
    next.restore(kept)
    next.recover(ledger.queued)
    expect(next).toEqual(ledger)
    expect(next.difference()).toBe(0)
  })

  test('adds the counts of another ledger, but its dead letters only as they are moved', () => {
    const ledger = busy()
    const other = busy()
    ledger.merge(other.snapshot())
    expect(ledger.difference()).toBe(0)
    expect(ledger).toMatchObject({ queued: 75, delivered: 8, deadLettered: 3, sendFailed: 20, eventsWritten: 10 })
    expect(ledger).toMatchObject({ possibleDuplicates: 2, retries: 4, enqueueFailed: 6, received: 100 + 22 })
    expect([ledger.lost.expired, ledger.rejected.too_old, ledger.filtered.dedup]).toEqual([10, 12, 10])
    ledger.adoptDeadLetters(other.deadLettered)
    expect(ledger.difference()).toBe(0)
    expect(ledger.deadLettered).toBe(6)
    ledger.merge({})
    expect(ledger.received).toBe(100 + 25)
  })
})

/** A ledger in which every field that is kept is something. */
function busy(): Ledger {
  const ledger = new Ledger()
  ledger.receive(100)
  ledger.filter('dedup', 5)
  ledger.reject('too_old', 6)
  ledger.settle({ kind: 'delivered' }, 4)
  ledger.settle({ kind: 'dead_lettered' }, 3)
  ledger.settle({ kind: 'lost', reason: 'expired' }, 5)
  ledger.settle({ kind: 'rejected', reason: 'poison' }, 2)
  Object.assign(ledger, { enqueueFailed: 3, eventsWritten: 5, possibleDuplicates: 1, retries: 2 })
  return ledger
}

test('counters of an earlier build are restored and merged by their former names', () => {
  const former = { delivered: 2, possibleDoubles: 3 }
  const ledger = new Ledger()
  ledger.restore(former)
  expect(ledger).toMatchObject({ received: 2, delivered: 2, possibleDuplicates: 3 })
  ledger.merge(former)
  expect(ledger).toMatchObject({ received: 4, delivered: 4, possibleDuplicates: 6 })
})

describe('registerLedger', () => {
  test("exports the collector's names beside one gauge whose states add up to what was received", () => {
    const registry = new Registry()
    const ledger = new Ledger()
    registerLedger(registry, 'awscloudwatchlogs/a', ledger, { size: () => 7, capacity: () => 1000 })
    ledger.receive(10)
    ledger.reject('too_old', 1)
    ledger.settle({ kind: 'delivered' }, 4)
    ledger.settle({ kind: 'lost', reason: 'expired' }, 2)

    const lines = registry.render().split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'otelcol_exporter_sent_log_records{exporter="awscloudwatchlogs/a"} 4',
        'otelcol_exporter_send_failed_log_records{exporter="awscloudwatchlogs/a"} 2',
        'otelcol_exporter_enqueue_failed_log_records{exporter="awscloudwatchlogs/a"} 0',
        'otelcol_exporter_queue_size{exporter="awscloudwatchlogs/a",data_type="logs"} 7',
        'otelcol_exporter_queue_capacity{exporter="awscloudwatchlogs/a",data_type="logs"} 1000',
        'otlp_cloudwatch_records{exporter="awscloudwatchlogs/a",state="delivered"} 4',
        'otlp_cloudwatch_records{exporter="awscloudwatchlogs/a",state="lost",reason="expired"} 2',
        'otlp_cloudwatch_records{exporter="awscloudwatchlogs/a",state="rejected",reason="too_old"} 1',
        'otlp_cloudwatch_records_received{exporter="awscloudwatchlogs/a"} 10',
        'otlp_cloudwatch_records_unaccounted{exporter="awscloudwatchlogs/a"} 0',
      ]),
    )
    const states = lines.filter((line) => line.startsWith('otlp_cloudwatch_records{'))
    expect(states.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0)).toBe(10)
  })

  test('has no queue gauges where there is no queue, and none after it is unregistered', () => {
    const registry = new Registry()
    const remove = registerLedger(registry, 'nop', new Ledger())
    expect(registry.render()).not.toContain('queue_size')
    expect(registry.render()).toContain('exporter="nop"')
    remove()
    expect(registry.render()).not.toContain('exporter="nop"')
  })
})
