// Records that expire while nothing can be sent, and are on disk only: each is read, for a dead letter may be made of it.
import { expect, onTestFinished, test, vi } from 'vitest'
import { DiskQueue } from '../../../../../src/delivery/queue/disk/disk-queue.ts'
import { silentLogger } from '../../../../../src/telemetry/logger.ts'
import { DeliveryHarness } from '../../../../fakes/delivery.ts'
import { fault } from '../../../../fakes/sender.ts'
import { filesWith, newFolder } from './queue-fixture.ts'

const MEBIBYTE = 1_048_576
const LANES = 24
const BATCHES_A_LANE = 4
const WITHIN = { timeout: 60_000, interval: 20 }

test(
  'records of many lanes that expire at once are read about once each, not repeatedly',
  { timeout: 90_000 },
  async () => {
    let reads = 0
    const files = filesWith({ syncDirectory: async () => {} }, (opened) => ({
      sync: async () => {},
      read(position, length) {
        reads++
        return opened.read(position, length)
      },
    }))
    const directory = await newFolder()
    const owner = { counters: () => ({}), restore() {}, lost() {}, fatal() {} }
    const options = {
      directory,
      capacityBytes: 256 * MEBIBYTE,
      segmentBytes: 4 * MEBIBYTE,
      memoryBytes: MEBIBYTE,
      fsync: true,
      bound: undefined,
      files,
    }
    const harness = new DeliveryHarness({
      policy: { maxWaitMs: 5_000 },
      makeQueue: (budget) => new DiskQueue(options, owner, budget, silentLogger),
    })
    onTestFinished(() => harness.delivery.shutdown(AbortSignal.abort(), true))
    await harness.delivery.start((key) => key)
    harness.sender.respond = () => fault('account', { afterMs: 600_000 })
    for (let round = 0; round < BATCHES_A_LANE; round++) {
      for (let lane = 0; lane < LANES; lane++) {
        const request = harness.send({ [`g/s${lane}`]: [{ text: 'x'.repeat(MEBIBYTE / 2) }] })
        await vi.waitUntil(() => request.queued !== undefined, { ...WITHIN, interval: 1 })
        expect(request.queued).toBe('stored')
      }
    }
    await vi.waitUntil(() => harness.ledger.queued === 0, WITHIN)
    expect(harness.ledger.lost.expired).toBe(LANES * BATCHES_A_LANE)
    expect(reads).toBeLessThan(2 * LANES * BATCHES_A_LANE)
  },
)
