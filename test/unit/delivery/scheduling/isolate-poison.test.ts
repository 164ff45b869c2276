import { describe, expect, test } from 'vitest'
import { isolatePoison } from '../../../../src/delivery/scheduling/isolate-poison.ts'
import { countedBytes, heldBytes } from '../../../../src/delivery/contract/items.ts'
import { makePack, type Pack } from '../../../../src/delivery/contract/pack.ts'
import type { PutOutcome, PutRefused } from '../../../../src/delivery/contract/sender.ts'
import { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { itemBatch, namedItems, packTexts } from '../../../fakes/items.ts'
import { fault, refused, taken } from '../../../fakes/sender.ts'

function packOf(count: number): Pack {
  const items = itemBatch(namedItems('', count))
  const batch = new QueuedBatch(items, count, countedBytes(items), heldBytes(items), 0)
  return makePack([{ batch, from: 0, to: count }])
}

/** Isolates in a pack of `count` whose puts are answered by `respond`; says what became of every item. */
async function isolate(count: number, respond: (texts: string[]) => PutOutcome, groupWorks = false) {
  const accepted: string[] = []
  const poison: string[] = []
  let puts = 0
  const { outcome, rest } = await isolatePoison(packOf(count), refused('first') as PutRefused, groupWorks, {
    put: async (part) => {
      puts++
      return respond(packTexts(part))
    },
    accepted: (part) => void accepted.push(...packTexts(part)),
    poison: (part) => void poison.push(...packTexts(part)),
  })
  return { accepted, poison, puts, outcome, rest: packTexts(rest) }
}

const poisonedBy =
  (...names: string[]) =>
  (texts: string[]) =>
    texts.some((text) => names.includes(text)) ? refused() : taken

const others = (count: number, but: string) =>
  Array.from({ length: count }, (_, i) => String(i)).filter((name) => name !== but)

describe('one poisoned item', () => {
  test.each([2, 3, 7, 64, 1_000])('of %i is found wherever it stands, by at most 2·log2(n) puts', async (count) => {
    const places = count > 64 ? [0, 1, 499, 500, 501, 999] : Array.from({ length: count }, (_, i) => i)
    for (const place of places) {
      const { accepted, poison, puts, outcome } = await isolate(count, poisonedBy(String(place)))
      expect(poison).toEqual([String(place)])
      expect(accepted.toSorted()).toEqual(others(count, String(place)).toSorted())
      expect(outcome).toEqual(taken)
      expect(puts).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(count)))
    }
  })

  test('of 10,000 costs at most 28 puts', async () => {
    const { puts, poison } = await isolate(10_000, poisonedBy('9999'))
    expect([poison, puts <= 28]).toEqual([['9999'], true])
  })

  test('alone in its put is poison where the group is known to work', async () => {
    expect(await isolate(1, () => refused(), true)).toMatchObject({ poison: ['0'], puts: 0, outcome: taken, rest: [] })
  })

  test('alone in its put is not discarded without that proof', async () => {
    const { poison, outcome, rest } = await isolate(1, () => refused(), false)
    expect([poison, rest]).toEqual([[], ['0']])
    expect(outcome).toMatchObject({ kind: 'retry', scope: 'group', lasting: true })
  })
})

describe('when it is not a single item', () => {
  test('both halves refused make it a fault of the group, after two puts', async () => {
    const { accepted, poison, puts, outcome, rest } = await isolate(8, () => refused('no such thing'))
    expect([accepted, poison, puts, rest]).toEqual([[], [], 2, ['0', '1', '2', '3', '4', '5', '6', '7']])
    expect(outcome).toMatchObject({ kind: 'retry', scope: 'group', lasting: true })
    expect(outcome).toHaveProperty('message', 'every part of the request is refused: no such thing')
  })

  test('two poisoned items leave the items around them, and nothing that was sent is sent again', async () => {
    const { accepted, poison, rest } = await isolate(8, poisonedBy('0', '3'))
    expect([accepted, poison, rest]).toEqual([['4', '5', '6', '7'], [], ['0', '1', '2', '3']])
  })

  test.each(['first', 'second'])('a fault on the way (%s half) leaves the suspects for later', async (half) => {
    let puts = 0
    const { accepted, poison, outcome, rest } = await isolate(8, () => {
      puts++
      if (half === 'first') return fault('endpoint')
      return puts === 1 ? refused() : fault('endpoint')
    })
    expect([accepted, poison, rest.length]).toEqual([[], [], 8])
    expect(outcome).toEqual(fault('endpoint'))
  })

  test('a fault after a half was taken leaves only the other half', async () => {
    let puts = 0
    const { accepted, rest } = await isolate(8, () => (++puts === 1 ? taken : fault('account')))
    expect([accepted, rest]).toEqual([
      ['0', '1', '2', '3'],
      ['4', '5', '6', '7'],
    ])
  })
})
