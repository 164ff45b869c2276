import { describe, expect, test } from 'vitest'
import { makePack } from '../../../../src/delivery/contract/pack.ts'
import { QueuedBatch } from '../../../../src/delivery/contract/queue.ts'
import { retry } from '../../../../src/delivery/contract/sender.ts'
import { Tries } from '../../../../src/delivery/scheduling/tries.ts'
import { itemBatch, namedItems } from '../../../fakes/items.ts'

const FAILED = retry({ scope: 'group', reason: 'server_error', lasting: false }, 'no')
const THROTTLED = retry({ scope: 'account', reason: 'throttled', lasting: false }, 'slow down')

function batchOf(count: number): QueuedBatch {
  return new QueuedBatch(itemBatch(namedItems('item', count)), count, count * 30, count * 30, 0)
}

const pack = (batch: QueuedBatch, from: number, to: number) => makePack([{ batch, from, to }])
/** A put that starts now, and fails. */
const fail = (tries: Tries, ...[batch, from, to]: [QueuedBatch, number, number]) =>
  tries.failed(pack(batch, from, to), performance.now(), FAILED)

describe('a maximum of tries', () => {
  test('gives the items of a put up when it fails so often', () => {
    const [tries, batch] = [new Tries(3), batchOf(4)]
    for (let i = 0; i < 2; i++)
      expect(fail(tries, batch, 0, 4)).toEqual({ spent: [], rest: [{ batch, from: 0, to: 4 }] })
    expect(fail(tries, batch, 0, 4)).toEqual({ spent: [{ batch, from: 0, to: 4 }], rest: [] })
  })

  test('counts the puts of one moment as one try of the batch they share', () => {
    const [tries, batch] = [new Tries(2), batchOf(4)]
    const startedAtMs = performance.now()
    for (const [from, to] of [
      [0, 2],
      [2, 4],
    ] as const)
      expect(tries.failed(pack(batch, from, to), startedAtMs, FAILED).spent).toEqual([])
    expect(batch.tries).toBe(1)
  })

  test('starts again with what is left of a batch that was given up or accepted in part', () => {
    const [tries, batch] = [new Tries(2), batchOf(4)]
    fail(tries, batch, 0, 2)
    expect(fail(tries, batch, 0, 2).spent).toHaveLength(1)
    expect(fail(tries, batch, 2, 4).spent).toEqual([])
    tries.accepted(pack(batch, 2, 3))
    expect(fail(tries, batch, 3, 4).spent).toEqual([])
    expect(fail(tries, batch, 3, 4).spent).toHaveLength(1)
  })

  test('lets no later request join a batch that has failed', () => {
    const [tries, batch] = [new Tries(2), batchOf(1)]
    fail(tries, batch, 0, 1)
    expect(batch.closed).toBe(true)
  })

  test('gives scattered items up in as few runs as possible', () => {
    const [tries, batch] = [new Tries(1), batchOf(4)]
    const scattered = makePack([0, 2, 1, 3].map((from) => ({ batch, from, to: from + 1 })))
    expect(tries.failed(scattered, performance.now(), FAILED).spent).toEqual([{ batch, from: 0, to: 4 }])
  })

  test.each([
    ['throttled', THROTTLED],
    ['a destination being created', { ...FAILED, expected: true as const }],
  ])('does not count what asks for patience: %s', (_, outcome) => {
    const [tries, batch] = [new Tries(1), batchOf(1)]
    expect(tries.failed(pack(batch, 0, 1), performance.now(), outcome).spent).toEqual([])
  })
})

test('without a maximum nothing is counted, and batches stay open', () => {
  const [tries, batch] = [new Tries(Number.POSITIVE_INFINITY), batchOf(1)]
  for (let i = 0; i < 100; i++) expect(fail(tries, batch, 0, 1).spent).toEqual([])
  expect([batch.tries, batch.closed]).toEqual([0, false])
})
