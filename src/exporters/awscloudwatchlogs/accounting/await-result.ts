import type { StageListener } from '../../../component/consumer.ts'
import type { Settlement } from '../../../accounting/outcome.ts'

/**
 * `wait_for_result`: the listener gets `queued` only when every record of its request has been settled. If one was lost, the
 * sender is asked to retry the request. Records that CloudWatch rejected count as done: a retry would be rejected again.
 * @param records records that were queued
 */
export function awaitResult(listener: StageListener, records: number): StageListener {
  let left = records
  let lost = 0
  /** By kind and reason: a request settles in one part per destination and put. */
  const settlements = new Map<string, { readonly settlement: Settlement; records: number }>()
  return {
    queued(failure) {
      if (failure !== undefined || left === 0) listener.queued(failure)
    },
    settled(settlement, count) {
      left -= count
      if (settlement.kind === 'lost') lost += count
      const key = 'reason' in settlement ? `${settlement.kind} ${settlement.reason}` : settlement.kind
      const known = settlements.get(key)
      if (known === undefined) settlements.set(key, { settlement, records: count })
      else known.records += count
      if (left > 0) return
      const message = `${lost} of ${records} records were not delivered`
      listener.queued(lost === 0 ? undefined : { kind: 'retry', cause: 'storage_failed', afterMs: 1_000, message })
      if (lost > 0) return
      for (const { settlement: same, records: settled } of settlements.values()) listener.settled(same, settled)
    },
  }
}
