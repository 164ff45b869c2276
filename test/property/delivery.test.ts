import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type PutOutcome, type RejectedRange, SCOPE_KINDS, type ScopeKind } from '../../src/delivery/contract/sender.ts'
import { DeliveryHarness, type DeliverySetup, IDLE, POLICY } from '../fakes/delivery.ts'
import type { TestItem } from '../fakes/items.ts'
import { fault, refused, type SentPut, taken } from '../fakes/sender.ts'

// Whatever is sent, and whatever the destination answers: every pack is legal, and in the end each item has come to
// exactly one end, none twice, none out of its order within one time.

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const DAY_MS = 24 * 3_600_000

/** What the destination does with one put. */
type Behaviour =
  | { readonly kind: 'take' }
  | { readonly kind: 'reject'; readonly old: number; readonly new: number }
  | { readonly kind: 'fault'; readonly scope: ScopeKind; readonly lasting: boolean; readonly afterMs: number }
  | { readonly kind: 'refuse' }

const take: fc.Arbitrary<Behaviour> = fc.constant({ kind: 'take' })
const reject: fc.Arbitrary<Behaviour> = fc.record({
  kind: fc.constant('reject' as const),
  old: fc.nat(20),
  new: fc.nat(20),
})
const retry: fc.Arbitrary<Behaviour> = fc.record({
  kind: fc.constant('fault' as const),
  scope: fc.constantFrom(...SCOPE_KINDS),
  lasting: fc.boolean(),
  afterMs: fc.constantFrom(0, 0, 500, 20_000),
})
const refuse: fc.Arbitrary<Behaviour> = fc.constant({ kind: 'refuse' })

/** A request: how long after the last one, and the items of its lanes. */
const request = fc.record({
  afterMs: fc.constantFrom<number[]>(0, 0, 1, 300, 1_100, 70_000),
  lanes: fc.uniqueArray(
    fc.record({
      lane: fc.nat(7),
      items: fc.array(
        fc.record({
          // Few different times, so that many are equal; some days apart.
          time: fc.oneof(fc.nat(3), fc.nat(4 * DAY_MS), fc.constantFrom(0, DAY_MS - 1, DAY_MS, 3 * DAY_MS)),
          counted: fc.oneof(fc.constant(27), fc.integer({ min: 27, max: POLICY.maxCountedBytes })),
        }),
        { minLength: 1, maxLength: 30 },
      ),
    }),
    { selector: ({ lane }) => lane, minLength: 1, maxLength: 4 },
  ),
})
const requests = fc.array(request, { minLength: 1, maxLength: 12 })
const chance = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }))

type Requests = typeof requests extends fc.Arbitrary<infer T> ? T : never

test('every item comes to exactly one end, and every pack is legal', async () => {
  const behaviours = fc.array(
    fc.oneof({ weight: 5, arbitrary: take }, { weight: 2, arbitrary: reject }, { weight: 3, arbitrary: retry }, refuse),
    { maxLength: 40 },
  )
  const setup = fc.record({
    maxConcurrentPuts: fc.constantFrom(1, 2, 10),
    policy: fc.record({ maxItems: fc.constantFrom(3, 50, 10_000) }),
  })
  await fc.assert(
    fc.asyncProperty(requests, behaviours, setup, chance, async (requests, behaviours, setup, chance) => {
      vi.spyOn(Math, 'random').mockImplementation(() => chance.next().value ?? 0)
      const { harness, items, stored } = await run(requests, behaviours, setup)
      expect(new Set(stored).size).toBe(stored.length)
      const { delivered, rejected } = harness.ledger
      expect(delivered).toBe(stored.length)
      expect(delivered + rejected.too_old + rejected.too_new + rejected.poison).toBe(items.size)
    }),
    { numRuns: 200 },
  )
}, 60_000)

test('items of one lane and one time are stored in the order in which they came', async () => {
  // Short waits: what fell behind by over a minute is overtaken on purpose. No refusals: finding poison goes by halves.
  const behaviours = fc.array(fc.oneof(take, reject, retry.map(shortened)), { maxLength: 20 })
  const setup = { maxConcurrentPuts: 1, backoff: { initialMs: 10, multiplier: 2, maxMs: 500 } }
  await fc.assert(
    fc.asyncProperty(requests, behaviours, async (requests, behaviours) => {
      const soon = requests.map((each) => ({ ...each, afterMs: Math.min(each.afterMs, 1_100) }))
      const { items, stored } = await run(soon, behaviours, setup)
      const last = new Map<string, string>()
      for (const text of stored) {
        const key = `${text.split(':', 1)[0]} at ${items.get(text)}`
        expect((last.get(key) ?? '') < text).toBe(true)
        last.set(key, text)
      }
    }),
    { numRuns: 200 },
  )
}, 60_000)

function shortened(behaviour: Behaviour): Behaviour {
  return behaviour.kind === 'fault' ? { ...behaviour, afterMs: Math.min(behaviour.afterMs, 500) } : behaviour
}

/** Sends the requests and goes on until nothing is left to do. Items are named in the order in which they came. */
async function run(requests: Requests, behaviours: readonly Behaviour[], setup: DeliverySetup) {
  const harness = new DeliveryHarness(setup)
  const answers = [...behaviours]
  const items = new Map<string, number>()
  const stored: string[] = []
  harness.sender.respond = (put) => {
    const outcome = answer(answers.shift() ?? { kind: 'take' }, put.texts.length)
    if (outcome.kind === 'accepted')
      stored.push(...put.texts.filter((_, at) => !outcome.rejected.some(({ from, to }) => at >= from && at < to)))
    return outcome
  }
  const sent = []
  for (const [number, { afterMs, lanes }] of requests.entries()) {
    await vi.advanceTimersByTimeAsync(afterMs)
    const byLane: Record<string, TestItem[]> = {}
    for (const { lane, items: own } of lanes) {
      byLane[`g${lane % 3}/s${lane}`] = own.map((item, place) => {
        const text = `${lane}:${String(number).padStart(2, '0')}:${String(place).padStart(2, '0')}`
        items.set(text, item.time)
        return { text, ...item }
      })
    }
    sent.push(harness.send(byLane))
    expect(harness.ledger.difference()).toBe(0)
  }
  for (let minute = 0; minute < 600 && harness.delivery.laneCount > 0; minute++) {
    await vi.advanceTimersByTimeAsync(60_000)
    expect(harness.ledger.difference()).toBe(0)
  }
  for (const put of harness.sender.puts) expectLegal(put, setup.policy?.maxItems ?? POLICY.maxItems)
  expect(harness.idle).toEqual(IDLE)
  expect(vi.getTimerCount()).toBe(0)
  expect(sent.every(({ queued }) => queued === 'stored')).toBe(true)
  expect(sent.flatMap(({ settlements }) => settlements).reduce((sum, [, count]) => sum + count, 0)).toBe(items.size)
  return { harness, items, stored }
}

function expectLegal({ texts, times, countedBytes }: SentPut, maxItems: number): void {
  expect(texts.length).toBeGreaterThan(0)
  expect(texts.length).toBeLessThanOrEqual(maxItems)
  expect(countedBytes).toBeLessThanOrEqual(POLICY.maxCountedBytes)
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(DAY_MS)
  for (let i = 1; i < texts.length; i++) {
    const [before = 0, time = 0] = [times[i - 1], times[i]]
    expect(before < time || (before === time && (texts[i - 1] ?? '') < (texts[i] ?? ''))).toBe(true)
  }
}

function answer(behaviour: Behaviour, count: number): PutOutcome {
  switch (behaviour.kind) {
    case 'take':
      return taken
    case 'refuse':
      return refused()
    case 'fault':
      return fault(behaviour.scope, { lasting: behaviour.lasting, afterMs: behaviour.afterMs })
    case 'reject': {
      const oldEnd = Math.min(behaviour.old, count)
      const newStart = Math.max(count - behaviour.new, oldEnd)
      const rejected: RejectedRange[] = []
      if (oldEnd > 0) rejected.push({ from: 0, to: oldEnd, reason: 'too_old' })
      if (newStart < count) rejected.push({ from: newStart, to: count, reason: 'too_new' })
      return { kind: 'accepted', rejected }
    }
  }
}
