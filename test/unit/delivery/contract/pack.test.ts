import { describe, expect, test } from 'vitest'
import { countedBytes, cutOut, heldBytes } from '../../../../src/delivery/contract/items.ts'
import { Lane } from '../../../../src/delivery/lanes/lane.ts'
import { copyPack, makePack, type PackPolicy, packRuns, takePack } from '../../../../src/delivery/contract/pack.ts'
import { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { RunQueue } from '../../../../src/delivery/contract/run-queue.ts'
import { POLICY } from '../../../fakes/delivery.ts'
import { itemBatch, namedItems, packTexts, type TestItem } from '../../../fakes/items.ts'

const NOW_MS = 1_000_000
const HOUR_MS = 3_600_000

/** A lane with batches of items, each queued so long ago. */
function lane(...batches: readonly (readonly TestItem[])[]): RunQueue {
  const runs = new RunQueue()
  for (const items of batches) runs.push({ batch: queued(items), from: 0, to: items.length })
  return runs
}

function queued(items: readonly TestItem[], ageMs = 0): QueuedBatch {
  const batch = itemBatch(items)
  return new QueuedBatch(batch, batch.count, countedBytes(batch), heldBytes(batch), NOW_MS - ageMs)
}

function take(runs: RunQueue, policy: Partial<PackPolicy> = {}, place = 0) {
  const { pack, expired } = takePack(runs, place, { ...POLICY, ...policy }, NOW_MS, NOW_MS)
  return { texts: packTexts(pack), expired: packTexts(makePack(expired)), pack }
}

function left(runs: RunQueue): string[] {
  return take(runs).texts
}

describe('as many as fit', () => {
  test('by number, over the edges of batches; the rest stays at the front', () => {
    const runs = lane(namedItems('a', 3), namedItems('b', 3))
    expect(take(runs, { maxItems: 4 }).texts).toEqual(['a0', 'a1', 'a2', 'b0'])
    expect(left(runs)).toEqual(['b1', 'b2'])
  })

  test('by counted bytes, to the last one', () => {
    const item = (text: string, counted: number) => ({ text, counted })
    const runs = lane([item('a', 40), item('b', 60)], [item('c', 1), item('d', 99)])
    const { texts, pack } = take(runs, { maxCountedBytes: 100 })
    expect([texts, pack.countedBytes]).toEqual([['a', 'b'], 100])
    expect(take(runs, { maxCountedBytes: 100 }).texts).toEqual(['c', 'd'])
  })

  test('an item that does not fit is not overtaken by a smaller one', () => {
    const runs = lane([
      { text: 'a', counted: 50 },
      { text: 'big', counted: 60 },
      { text: 'small', counted: 1 },
    ])
    expect(take(runs, { maxCountedBytes: 100 }).texts).toEqual(['a'])
    expect(left(runs)).toEqual(['big', 'small'])
  })

  test('an item over the size of a pack is sent alone', () => {
    const runs = lane([
      { text: 'big', counted: 150 },
      { text: 'small', counted: 1 },
      { text: 'bigger', counted: 160 },
    ])
    const packs = [0, 1, 2].map(() => take(runs, { maxCountedBytes: 100 }).texts)
    expect(packs).toEqual([['big'], ['small'], ['bigger']])
  })

  test('an item that is not in memory ends the pack', () => {
    const runs = lane(namedItems('a', 2), namedItems('b', 2))
    const second = runs.at(1)
    if (second !== undefined) second.batch.items = undefined
    expect(take(runs).texts).toEqual(['a0', 'a1'])
    expect(runs.length).toBe(1)
  })

  test('from the middle of a lane, leaving what is before it', () => {
    const runs = lane(namedItems('a', 2), namedItems('b', 2), namedItems('c', 2))
    expect(take(runs, { maxItems: 3 }, 1).texts).toEqual(['b0', 'b1', 'c0'])
    expect(left(runs)).toEqual(['a0', 'a1', 'c1'])
  })
})

describe('sorted by time', () => {
  test('items of the same time keep their order of arrival', () => {
    const runs = lane(
      [
        { text: 'a5', time: 5 },
        { text: 'b3', time: 3 },
        { text: 'c5', time: 5 },
      ],
      [
        { text: 'd3', time: 3 },
        { text: 'e4', time: 4 },
      ],
    )
    expect(take(runs).texts).toEqual(['b3', 'd3', 'e4', 'a5', 'c5'])
  })

  test('neighbours stay one run, so that they are copied in one piece', () => {
    const runs = lane(namedItems('late', 100, 2), namedItems('early', 100, 1))
    expect(take(runs).pack.runs.map(({ from, to }) => [from, to])).toEqual([
      [0, 100],
      [0, 100],
    ])
  })
})

describe('within the span', () => {
  const at = (text: string, hours: number): TestItem => ({ text, time: hours * HOUR_MS })

  test('items beyond it wait for the next put, ahead of later items', () => {
    const runs = lane([at('a', 0), at('b', 30)], [at('c', 1), at('d', 25)], [at('e', 2)])
    expect(take(runs).texts).toEqual(['a', 'c', 'e'])
    expect(take(runs).texts).toEqual(['d', 'b'])
    expect(runs.length).toBe(0)
  })

  test('to the millisecond', () => {
    const edge = lane([
      { text: 'a', time: 0 },
      { text: 'b', time: POLICY.maxSpanMs },
    ])
    expect(take(edge).texts).toEqual(['a', 'b'])
    const over = lane([
      { text: 'a', time: 0 },
      { text: 'b', time: POLICY.maxSpanMs + 1 },
    ])
    expect(take(over).texts).toEqual(['a'])
  })

  test('the oldest arrival is sent, with the span around it that holds the most items', () => {
    const runs = lane([at('a', 30)], [at('b', 0), at('c', 10)], [at('d', 40), at('e', 41), at('f', 50)])
    expect(take(runs).texts).toEqual(['a', 'd', 'e', 'f'])
    expect(take(runs).texts).toEqual(['b', 'c'])
    const earlier = lane([at('a', 30)], [at('b', 8), at('c', 10)], [at('d', 50)])
    expect(take(earlier).texts).toEqual(['b', 'c', 'a'])
    expect(take(earlier).texts).toEqual(['d'])
  })

  test('a backlog whose times are spread over 14 days takes puts of hundreds, and each item is sent once', () => {
    const count = 20_000
    let seed = 1
    const hours = () => ((seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647) * 14 * 24
    const runs = lane(...Array.from({ length: count }, (_, i) => [at(`${i}`, Math.floor(hours()))]))
    const sent = new Set<string>()
    let puts = 0
    for (; runs.length > 0 && puts <= count; puts++)
      for (const text of take(runs, { maxItems: 2_000 }).texts) sent.add(text)
    expect(sent.size).toBe(count)
    // 2,000 at a time are looked at, of which a day has 143.
    expect(puts).toBeLessThan(count / 100)
  })

  test('items of one batch on both sides are split', () => {
    const runs = lane([at('a', 0), at('b', 30), at('c', 1), at('d', 31)])
    const first = take(runs)
    expect([first.texts, first.pack.count]).toEqual([['a', 'c'], 2])
    expect(left(runs)).toEqual(['b', 'd'])
  })
})

describe('items that are too late to send', () => {
  test('are taken out by their time, and use up no room', () => {
    const old = { text: 'old', time: 10 }
    const runs = lane([old, { text: 'a', time: 100 }, old], [{ text: 'b', time: 100 }])
    const { texts, expired } = take(runs, { oldestTimeMs: (nowMs) => nowMs - NOW_MS + 11, maxItems: 2 })
    expect([texts, expired]).toEqual([
      ['a', 'b'],
      ['old', 'old'],
    ])
  })

  test('are taken out in as few runs as possible', () => {
    const old = { text: 'old', time: 10 }
    const runs = lane([old, old, { text: 'a', time: 100 }, old], [old])
    const policy = { ...POLICY, oldestTimeMs: (nowMs: number) => nowMs - NOW_MS + 11 }
    const { expired } = takePack(runs, 0, policy, NOW_MS, NOW_MS)
    expect(expired.map(({ from, to }) => [from, to])).toEqual([
      [0, 2],
      [3, 4],
      [0, 1],
    ])
  })

  test('are taken out by how long they waited', () => {
    const runs = new RunQueue()
    for (const [name, ageMs] of [
      ['a', 5_001],
      ['b', 5_000],
    ] as const)
      runs.push({ batch: queued(namedItems(name, 2), ageMs), from: 0, to: 2 })
    const { texts, expired } = take(runs, { maxWaitMs: 5_000 })
    expect([texts, expired]).toEqual([
      ['b0', 'b1'],
      ['a0', 'a1'],
    ])
  })

  test('can be all items', () => {
    const runs = lane(namedItems('a', 3, 1))
    const { texts, expired, pack } = take(runs, { oldestTimeMs: () => 2 })
    expect([texts, expired, pack.count, runs.length]).toEqual([[], ['a0', 'a1', 'a2'], 0, 0])
  })
})

describe('a pack', () => {
  const runs = [
    { batch: queued(namedItems('a', 4)), from: 1, to: 3 },
    { batch: queued(namedItems('b', 4)), from: 0, to: 4 },
  ]

  test('has its counts and copies its bytes back to back', () => {
    const pack = makePack(runs)
    const target = new Uint8Array(pack.byteLength + 2)
    expect(copyPack(pack, target, 1)).toBe(pack.byteLength + 1)
    expect(Buffer.from(target).toString('latin1')).toBe('\0a1a2b0b1b2b3\0')
    expect([pack.count, pack.countedBytes, pack.byteLength]).toEqual([6, 12, 12])
  })

  test.each([
    [0, 6, ['a1', 'a2', 'b0', 'b1', 'b2', 'b3']],
    [1, 3, ['a2', 'b0']],
    [2, 4, ['b0', 'b1']],
    [5, 6, ['b3']],
    [3, 3, []],
    [6, 6, []],
  ])('has its items %i to %i by their place', (from, to, texts) => {
    expect(packTexts(makePack(packRuns(makePack(runs), from, to)))).toEqual(texts)
  })
})

test('runs that are put back keep their order of arrival, whatever their time', () => {
  const harness = new Lane<string>('g/s', 'g/s', [])
  for (const [name, time] of [
    ['a', 9],
    ['b', 5],
    ['c', 7],
    ['d', 1],
  ] as const)
    harness.add(queued(namedItems(name, 2, time)), [])
  const first = take(harness.runs, { maxItems: 5 })
  expect(first.texts).toEqual(['b0', 'b1', 'c0', 'a0', 'a1'])
  harness.runs.putBack(first.pack.runs)
  const order = Array.from({ length: harness.runs.length }, (_, place) => harness.runs.at(place))
  expect(order.map((run) => packTexts(makePack(run === undefined ? [] : [run])).join())).toEqual([
    'a0,a1',
    'b0,b1',
    'c0',
    'c1',
    'd0,d1',
  ])
})

test('a lane that is filled and emptied repeatedly keeps its order', () => {
  const runs = new RunQueue()
  let next = 0
  let expected = 0
  for (let round = 0; round < 2_000; round++) {
    runs.push({ batch: queued([{ text: `${next++}` }, { text: `${next++}` }]), from: 0, to: 2 })
    const { pack, texts } = take(runs, { maxItems: 3 })
    if (round % 5 === 0) runs.putBack(pack.runs)
    else for (const text of texts) expect(text).toBe(String(expected++))
  }
  expect(left(runs)).toEqual(Array.from({ length: next - expected }, (_, i) => String(expected + i)))
})

test('a copy cut out of a batch stays when the batch is freed', () => {
  const batch = { ...itemBatch(namedItems('a', 4)) }
  const cut = cutOut(batch, 1, 3)
  batch.bytes.fill(0)
  expect(packTexts(makePack([{ batch: new QueuedBatch(cut, 2, 2, 2, NOW_MS), from: 0, to: 2 }]))).toEqual(['a1', 'a2'])
})

describe('items of several tags', () => {
  /** A lane with one batch of one item for each tag, in this order; items are named by tag and place. */
  function tagged(...tags: readonly string[]): RunQueue {
    const runs = new RunQueue()
    for (const [place, tag] of tags.entries()) {
      const items = itemBatch([{ text: `${tag}${place}` }], tag === '-' ? undefined : tag)
      const batch = new QueuedBatch(items, 1, countedBytes(items), heldBytes(items), NOW_MS)
      batch.order = place
      runs.push({ batch, from: 0, to: 1 })
    }
    return runs
  }

  function packs(runs: RunQueue, policy: Partial<PackPolicy> = {}): string[] {
    const taken: string[] = []
    while (runs.length > 0) {
      const { texts, pack } = take(runs, policy)
      taken.push(`${pack.tag ?? '-'}: ${texts.join(' ')}`)
    }
    return taken
  }

  test('go in one pack for each tag, the tag of the oldest item first', () => {
    expect(packs(tagged('a', 'b', '-', 'a', 'b', '-'))).toEqual(['a: a0 a3', 'b: b1 b4', '-: -2 -5'])
  })

  test('keep their order when a pack is full', () => {
    expect(packs(tagged('a', 'b', 'a', 'b', 'a', 'b'), { maxItems: 2 })).toEqual([
      'a: a0 a2',
      'b: b1 b3',
      'a: a4',
      'b: b5',
    ])
  })

  test('say that others were passed over', () => {
    const policy = { ...POLICY }
    const runs = tagged('a', 'b')
    expect(takePack(runs, 0, policy, NOW_MS, NOW_MS).passedOver).toBe(true)
    expect(takePack(runs, 0, policy, NOW_MS, NOW_MS).passedOver).toBe(false)
  })

  test('are searched among a bounded number of runs', () => {
    const runs = tagged('a', ...Array.from({ length: 5_000 }, () => 'b'), 'a')
    expect(take(runs).texts).toEqual(['a0'])
    expect(take(runs).texts).toHaveLength(5_000)
    expect(take(runs).texts).toEqual(['a5001'])
  })
})
