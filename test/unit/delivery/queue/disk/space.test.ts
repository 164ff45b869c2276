// Lanes that cannot be sent do not hold the space, or the memory, of those that can.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { DiskQueue, type DiskQueueOptions } from '../../../../../src/delivery/queue/disk/disk-queue.ts'
import { silentLogger } from '../../../../../src/telemetry/logger.ts'
import { DeliveryHarness } from '../../../../fakes/delivery.ts'
import { fault, type SentPut, taken } from '../../../../fakes/sender.ts'
import { copyOf, newFolder, openQueue, withoutSync } from './queue-fixture.ts'

const WITHIN = { timeout: 25_000, interval: 20 }
const SEGMENT_BYTES = 16_384
const TEXT_BYTES = 400

interface Setting {
  readonly harness: DeliveryHarness
  readonly queue: DiskQueue
  readonly folder: string
}

async function setting(options: Partial<DiskQueueOptions> = {}, budgetBytes?: number): Promise<Setting> {
  const folder = await newFolder()
  let made: DiskQueue | undefined
  const harness = new DeliveryHarness({
    flushIntervalMs: 10,
    backoff: { initialMs: 20, multiplier: 1.5, maxMs: 500 },
    ...(budgetBytes !== undefined && { budgetBytes }),
    makeQueue(budget) {
      const owner = { counters: () => ({}), restore() {}, lost() {}, fatal() {} }
      made = new DiskQueue(
        {
          directory: folder,
          capacityBytes: 64 * 1_048_576,
          segmentBytes: SEGMENT_BYTES,
          memoryBytes: 4 * SEGMENT_BYTES,
          fsync: true,
          bound: undefined,
          files: withoutSync,
          settledForMs: 50,
          ...options,
        },
        owner,
        budget,
        silentLogger,
      )
      return made
    },
  })
  onTestFinished(() => harness.delivery.shutdown(AbortSignal.abort(), true))
  await harness.delivery.start((key) => key)
  if (made === undefined) throw new Error('no queue was made')
  return { harness, queue: made, folder }
}

async function bytesOn(folder: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.segment'))
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)))
  return sizes.reduce((sum, size) => sum + (size?.size ?? 0), 0)
}

/** One record for each lane, as one request. */
async function sendRound({ harness }: Setting, lanes: number, round: number): Promise<void> {
  const names = Array.from({ length: lanes }, (_, lane) => [
    `group-${lane}/s`,
    [{ text: `${lane}.${round} `.padEnd(TEXT_BYTES, 'x') }],
  ])
  const request = harness.send(Object.fromEntries(names) as Record<string, { text: string }[]>)
  await vi.waitUntil(() => request.queued !== undefined, { ...WITHIN, interval: 1 })
  expect(request.queued).toBe('stored')
}

const denied =
  (...groups: string[]) =>
  ({ group }: SentPut) =>
    groups.includes(group) ? fault('group') : taken

test('one lane of 100 is denied for 100 segments: disk use stays at twice the waiting bytes, the others are sent', async () => {
  const set = await setting()
  const { harness, queue, folder } = set
  harness.sender.respond = denied('group-7')
  const rounds = Math.ceil((100 * SEGMENT_BYTES) / (100 * (TEXT_BYTES + 100)))
  for (let round = 0; round < rounds; round++) await sendRound(set, 100, round)
  await vi.waitUntil(() => harness.ledger.queued === rounds, WITHIN)
  expect(harness.ledger.delivered).toBe(99 * rounds)
  const live = rounds * (TEXT_BYTES + 100)
  await vi.waitUntil(async () => (await bytesOn(folder)) <= 2 * live + SEGMENT_BYTES, WITHIN)
  expect(queue.relocatedBytes).toBeGreaterThan(0)

  harness.sender.respond = () => taken
  await vi.waitUntil(() => harness.ledger.queued === 0, { ...WITHIN, timeout: 60_000 })
  expect(harness.sender.sentTo('group-7/s').map((text) => Number(/\.(\d+)/.exec(text)?.[1]))).toEqual(
    expect.arrayContaining(Array.from({ length: rounds }, (_, round) => round)),
  )
  // Nothing but the journal is left of an idle queue.
  await vi.waitUntil(async () => (await bytesOn(folder)) === 0, WITHIN)
  expect(harness.idle).toEqual({ lanes: 0, budget: 0, queued: 0, difference: 0 })
}, 90_000)

test('a lane delivers ten segments beside a stuck one, and repeats nothing of them after a kill', async () => {
  const set = await setting()
  const { harness, queue, folder } = set
  harness.sender.respond = denied('group-0')
  const rounds = Math.ceil((10 * SEGMENT_BYTES) / (TEXT_BYTES + 100))
  for (let round = 0; round < rounds; round++) await sendRound(set, 2, round)
  await vi.waitUntil(() => harness.ledger.delivered === rounds, WITHIN)
  await queue.flush()

  const found = await (await openQueue(await copyOf(folder))).texts()
  expect(found).toHaveLength(rounds)
  expect(new Set(found.map(([lane]) => lane))).toEqual(new Set(['group-0/s']))
}, 60_000)

test('lanes that are stuck hold no memory that others need', async () => {
  // More lanes than the byte budget could hold a put of; each has been read back and tried.
  const set = await setting({ memoryBytes: SEGMENT_BYTES }, 512 * 1_024)
  const { harness } = set
  const stuck = Array.from({ length: 40 }, (_, lane) => `group-${lane}`)
  harness.sender.respond = denied(...stuck)
  for (let round = 0; round < 50; round++) await sendRound(set, 40, round)
  await vi.waitUntil(() => new Set(harness.sender.puts.map(({ group }) => group)).size === 40, WITHIN)
  const healthy = harness.send({ 'healthy/s': [{ text: 'x'.repeat(100_000) }] })
  await vi.waitUntil(() => healthy.outcomes['delivered'] === 1, WITHIN)

  harness.sender.respond = () => taken
  await vi.waitUntil(() => harness.ledger.queued === 0, { ...WITHIN, timeout: 60_000 })
  expect(new Set(harness.sender.puts.flatMap(({ texts }) => texts)).size).toBe(40 * 50 + 1)
  expect(harness.ledger.lost.quarantined).toBe(0)
  expect(harness.budget.used).toBe(0)
}, 90_000)
