import { describe, expect, test } from 'vitest'
import { OneExporter } from '../../../../src/service/consumers/one-exporter.ts'
import { consume, FakeExporter, REFUSED, rejected, RETRY } from '../fake-exporter.ts'

describe('answered on queued', () => {
  test('accepts once the exporter has queued the request, and not before', () => {
    const exporter = new FakeExporter({ kind: 'take' })
    const answers = consume(new OneExporter(exporter))
    expect(answers).toEqual([])
    exporter.queued()
    expect(answers).toEqual([{ kind: 'accepted', records: 4, rejected: 0, message: '' }])
  })

  test('has answered once when the records are settled later', () => {
    const exporter = new FakeExporter({ kind: 'take' })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    exporter.settled({ kind: 'lost', reason: 'expired' }, 4)
    expect(answers).toHaveLength(1)
  })

  test.for([RETRY, REFUSED])('passes on a $kind of the reservation', (outcome) => {
    expect(consume(new OneExporter(new FakeExporter(outcome)))).toEqual([outcome])
  })

  test('answers retry when the queue could not store the request', () => {
    const exporter = new FakeExporter({ kind: 'take' })
    const answers = consume(new OneExporter(exporter))
    exporter.queued(RETRY)
    expect(answers).toEqual([{ ...RETRY, records: expect.any(Number) }])
  })

  test('lists rejected records by reason, with a sample of each', () => {
    const exporter = new FakeExporter({
      kind: 'take',
      rejected: rejected({ too_old: 2, empty: 1 }),
      warning: 'the oldest will expire soon',
    })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    expect(answers).toEqual([
      {
        kind: 'accepted',
        records: 4,
        rejected: 3,
        message: '2 too_old: a too_old record, 1 empty: an empty record; the oldest will expire soon',
      },
    ])
  })

  test('passes a warning on with nothing rejected', () => {
    const exporter = new FakeExporter({ kind: 'take', warning: 'cut' })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    expect(answers).toEqual([{ kind: 'accepted', records: 4, rejected: 0, message: 'cut' }])
  })

  test('keeps the message short, whatever the exporter writes', () => {
    const exporter = new FakeExporter({ kind: 'take', warning: 'x'.repeat(10_000) })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    expect(answers[0]?.message).toBe(`${'x'.repeat(1_023)}…`)
  })
})

describe('answered on settled', () => {
  test('waits until every record has come to its end', () => {
    const exporter = new FakeExporter({ kind: 'take', answerOn: 'settled' })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    exporter.settled({ kind: 'delivered' }, 3)
    expect(answers).toEqual([])
    exporter.settled({ kind: 'dead_lettered' }, 1)
    expect(answers).toEqual([{ kind: 'accepted', records: 4, rejected: 0, message: '' }])
  })

  test('counts what was rejected after the queue with what was rejected before it', () => {
    const exporter = new FakeExporter({ kind: 'take', answerOn: 'settled', rejected: rejected({ too_old: 1 }) })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    exporter.settled({ kind: 'rejected', reason: 'poison' }, 1)
    exporter.settled({ kind: 'rejected', reason: 'expired_retention' }, 2)
    expect(answers).toEqual([
      {
        kind: 'accepted',
        records: 4,
        rejected: 4,
        message: '1 too_old: a too_old record; 1 poison, 2 expired_retention',
      },
    ])
  })

  test('asks for the request again when records of it were lost, which no storage did', () => {
    const exporter = new FakeExporter({ kind: 'take', answerOn: 'settled', rejected: rejected({ too_old: 1 }) })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    exporter.settled({ kind: 'lost', reason: 'expired' }, 1)
    exporter.settled({ kind: 'rejected', reason: 'poison' }, 1)
    expect(answers).toEqual([])
    exporter.settled({ kind: 'lost', reason: 'quarantined' }, 1)
    expect(answers).toMatchObject([
      { kind: 'retry', cause: 'not_delivered', message: '2 of 3 records were not delivered' },
    ])
  })

  test('asks for the request again when the daemon stopped before it was delivered', () => {
    const exporter = new FakeExporter({ kind: 'take', answerOn: 'settled' })
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    exporter.settled({ kind: 'delivered' }, 1)
    exporter.settled({ kind: 'lost', reason: 'shutdown' }, 3)
    expect(answers).toMatchObject([
      { cause: 'shutting_down', message: 'the daemon stopped: 3 of 4 records were not delivered' },
    ])
  })

  test.for([
    ['without a record', new FakeExporter({ kind: 'take', answerOn: 'settled' }, 0), 0],
    [
      'with every record rejected',
      new FakeExporter({ kind: 'take', answerOn: 'settled', rejected: rejected({ too_old: 1 }) }, 1),
      1,
    ],
  ] as const)('answers a request %s once it is queued', ([, exporter, count]) => {
    const answers = consume(new OneExporter(exporter))
    exporter.queued()
    exporter.settled({ kind: 'delivered' }, 0)
    expect(answers).toHaveLength(1)
    expect(answers[0]).toMatchObject({ kind: 'accepted', rejected: count })
  })
})
