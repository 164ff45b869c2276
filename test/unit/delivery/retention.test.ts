import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test, vi } from 'vitest'
import { OneExporter } from '../../../src/service/consumers/one-exporter.ts'
import { NOTHING_REJECTED } from '../../../src/accounting/rejections.ts'
import type { LogsExporter } from '../../../src/component/consumer.ts'
import { DeliveryHarness } from '../../fakes/delivery.ts'
import { itemBatch } from '../../fakes/items.ts'
import { denied, taken } from '../../fakes/sender.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('a stuck lane keeps nothing of the rest of its request', async () => {
  const harness = new DeliveryHarness({ flushIntervalMs: 10 })
  harness.sender.respond = ({ group }) => (group === 'bad' ? denied : taken)
  /** Sends a request for both lanes, as a receiver does; what it holds is only weakly held here. */
  const send = () => {
    const good = itemBatch([{ text: 'x'.repeat(1_000) }])
    const answered = { to: 'a sender' }
    const exporter: LogsExporter = {
      reserve() {
        const lanes = [
          { lane: 'good/s', destination: 'good/s', items: good },
          { lane: 'bad/s', destination: 'bad/s', items: itemBatch([{ text: 'y' }]) },
        ]
        const reserved = harness.delivery.reserve(lanes, 'reject')
        if (reserved.kind === 'retry') return reserved
        harness.ledger.receive(2)
        return {
          ...reserved,
          records: 2,
          rejected: NOTHING_REJECTED,
          answerOn: 'queued',
          warning: '',
          commit: (listener) =>
            reserved.commit((failure) => listener.queued(failure), listener.queuedOnly === true ? undefined : listener),
        }
      },
    }
    const request = { bytes: new Uint8Array(), receivedAtMs: 0, metadata: undefined }
    new OneExporter(exporter).consume(request, () => void (answered.to = 'no one'))
    return [new WeakRef(good), new WeakRef(answered)]
  }
  const held = send()
  await vi.waitFor(() => expect(harness.ledger).toMatchObject({ delivered: 1, queued: 1 }), 10_000)
  // What the sender was shown is forgotten too.
  harness.sender.puts.length = 0
  await vi.waitFor(() => {
    collectGarbage()
    expect(held.map((weak) => weak.deref())).toEqual([undefined, undefined])
  }, 10_000)
  await harness.delivery.shutdown(AbortSignal.abort(), false)
})
