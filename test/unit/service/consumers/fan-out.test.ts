import { describe, expect, test } from 'vitest'
import type { LogsExporter } from '../../../../src/component/consumer.ts'
import { FanOut } from '../../../../src/service/consumers/fan-out.ts'
import { consume, FakeExporter, REFUSED, rejected, RETRY, type Behaviour } from '../fake-exporter.ts'

const TAKE: Behaviour = { kind: 'take' }
const SETTLE: Behaviour = { kind: 'take', answerOn: 'settled' }
const REJECT: Behaviour = { kind: 'take', rejected: rejected({ too_old: 1 }) }
const ONE_REJECTED = 'did not take 1 too_old: a too_old record'
const NAMES = new Map<Behaviour, string>([
  [TAKE, 'takes all'],
  [REJECT, 'rejects one'],
  [RETRY, 'has no room'],
  [REFUSED, 'refuses'],
])

function fanOut(...exporters: readonly LogsExporter[]): FanOut {
  return new FanOut(exporters.map((exporter, i) => ({ id: `exporter/${i}`, exporter })))
}

const ACCEPTED = { kind: 'accepted', records: 4, rejected: 0, message: '' }
const COMMITTED = ['reserve', 'commit']
const RELEASED = ['reserve', 'release']
const ASKED = ['reserve']

const TABLE = [
  [TAKE, TAKE, ACCEPTED, COMMITTED, COMMITTED],
  [TAKE, REJECT, { ...ACCEPTED, message: `exporter/1 ${ONE_REJECTED}` }, COMMITTED, COMMITTED],
  [TAKE, RETRY, RETRY, RELEASED, ASKED],
  [TAKE, REFUSED, REFUSED, RELEASED, ASKED],
  [REJECT, TAKE, { ...ACCEPTED, message: `exporter/0 ${ONE_REJECTED}` }, COMMITTED, COMMITTED],
  [
    REJECT,
    REJECT,
    { ...ACCEPTED, rejected: 1, message: `exporter/0 ${ONE_REJECTED}; exporter/1 ${ONE_REJECTED}` },
    COMMITTED,
    COMMITTED,
  ],
  [REJECT, RETRY, RETRY, RELEASED, ASKED],
  [REJECT, REFUSED, REFUSED, RELEASED, ASKED],
  [RETRY, TAKE, RETRY, ASKED, []],
  [RETRY, REJECT, RETRY, ASKED, []],
  [RETRY, RETRY, RETRY, ASKED, []],
  [RETRY, REFUSED, RETRY, ASKED, []],
  [REFUSED, TAKE, REFUSED, ASKED, []],
  [REFUSED, REJECT, REFUSED, ASKED, []],
  [REFUSED, RETRY, REFUSED, ASKED, []],
  [REFUSED, REFUSED, REFUSED, ASKED, []],
] as const

describe('admission over two exporters is all or nothing', () => {
  test.for(TABLE.map((row) => [NAMES.get(row[0]), NAMES.get(row[1]), row] as const))(
    'where one %s and the other %s',
    ([, , [first, second, outcome, firstCalls, secondCalls]]) => {
      const exporters = [new FakeExporter(first), new FakeExporter(second)]
      const answers = consume(fanOut(...exporters))
      for (const exporter of exporters) exporter.queued()
      expect(answers).toEqual([outcome])
      expect(exporters.map(({ calls }) => calls)).toEqual([firstCalls, secondCalls])
    },
  )

  test('releases the reservations when an exporter throws, and rethrows', () => {
    const first = new FakeExporter(TAKE)
    const broken: LogsExporter = {
      reserve() {
        throw new TypeError('defect')
      },
    }
    expect(() => consume(fanOut(first, broken))).toThrow('defect')
    expect(first.calls).toEqual(RELEASED)
  })
})

describe('the answer', () => {
  test('waits for the slowest exporter', () => {
    const exporters = [new FakeExporter(TAKE), new FakeExporter(TAKE)] as const
    const answers = consume(fanOut(...exporters))
    exporters[1].queued()
    expect(answers).toEqual([])
    exporters[0].queued()
    expect(answers).toEqual([ACCEPTED])
  })

  test('is a retry when one could not store the request, although the other did', () => {
    const exporters = [new FakeExporter(TAKE), new FakeExporter(TAKE)] as const
    const answers = consume(fanOut(...exporters))
    exporters[0].queued()
    exporters[1].queued(RETRY)
    expect(answers).toEqual([{ ...RETRY, records: expect.any(Number) }])
  })

  test('counts as rejected the smallest count of any exporter, and lists the reasons of each', () => {
    const exporters = [
      new FakeExporter({ kind: 'take', rejected: rejected({ too_old: 2, empty: 1 }) }),
      new FakeExporter({ kind: 'take', rejected: rejected({ too_old: 3 }), warning: 'cut' }),
      new FakeExporter({ kind: 'take', rejected: rejected({ too_old: 2 }) }),
    ]
    const answers = consume(fanOut(...exporters))
    for (const exporter of exporters) exporter.queued()
    expect(answers).toEqual([
      {
        kind: 'accepted',
        records: 4,
        rejected: 2,
        message:
          'exporter/0 did not take 2 too_old: a too_old record, 1 empty: an empty record; ' +
          'exporter/1 did not take 3 too_old: a too_old record; cut; ' +
          'exporter/2 did not take 2 too_old: a too_old record',
      },
    ])
  })

  test('on settled waits for every record of every exporter', () => {
    const exporters = [new FakeExporter(SETTLE), new FakeExporter({ ...REJECT, ...SETTLE })] as const
    const answers = consume(fanOut(...exporters))
    for (const exporter of exporters) exporter.queued()
    exporters[0].settled({ kind: 'delivered' }, 4)
    exporters[1].settled({ kind: 'delivered' }, 2)
    expect(answers).toEqual([])
    exporters[1].settled({ kind: 'delivered' }, 1)
    expect(answers).toMatchObject([{ kind: 'accepted', rejected: 0 }])
  })

  test('on settled counts the least that any one exporter missed', () => {
    const exporters = [new FakeExporter(SETTLE), new FakeExporter({ ...REJECT, ...SETTLE })] as const
    const answers = consume(fanOut(...exporters))
    for (const exporter of exporters) exporter.queued()
    exporters[0].settled({ kind: 'rejected', reason: 'expired_retention' }, 4)
    exporters[1].settled({ kind: 'delivered' }, 2)
    exporters[1].settled({ kind: 'rejected', reason: 'poison' }, 1)
    expect(answers).toEqual([
      {
        kind: 'accepted',
        records: 4,
        rejected: 2,
        message: `exporter/0: 4 expired_retention; exporter/1 ${ONE_REJECTED}; exporter/1: 1 poison`,
      },
    ])
  })

  test('is a retry when one that answers on settled lost records, and does not wait for more of the other', () => {
    const exporters = [new FakeExporter(TAKE), new FakeExporter(SETTLE)] as const
    const answers = consume(fanOut(...exporters))
    for (const exporter of exporters) exporter.queued()
    expect(answers).toEqual([])
    exporters[1].settled({ kind: 'lost', reason: 'expired' }, 4)
    expect(answers).toMatchObject([{ kind: 'retry', cause: 'not_delivered', records: 4 }])
  })
})
