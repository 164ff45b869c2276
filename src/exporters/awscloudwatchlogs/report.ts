import type { Delivery } from '../../delivery/delivery.ts'
import { accountOf } from '../../telemetry/ledger.ts'
import type { Accounts } from './accounts.ts'
import type { Destination } from './destination.ts'

/** `/ledger` names so many lanes; those beyond are in the sums. */
const MOST_LANES = 1_000

/** Everything that can be told, for `GET /ledger`. */
export function report({ ledger, destinations }: Accounts, delivery: Delivery<Destination> | undefined): object {
  const now = Date.now()
  return {
    account: accountOf(ledger),
    destinations: Object.fromEntries([...destinations.all].map(([key, account]) => [key, accountOf(account)])),
    lanes: [...(delivery?.lanes ?? [])].slice(0, MOST_LANES).map((lane) => ({
      destination: lane.key,
      waiting: lane.waitingItems,
      bytes: lane.held.bytes,
      puts: lane.inFlight,
      oldest_seconds: Math.max(0, now - (lane.runs.at(0)?.batch.enqueuedAtMs ?? now)) / 1_000,
      held_by: lane.waitsIn?.kind,
      parked: delivery?.parking.has(lane),
      last_fault: lane.scopes.findLast((scope) => scope.lastFault !== '')?.lastFault,
    })),
    scopes: [...(delivery?.scopes ?? [])].map(({ kind, name, state, failures, lastFault }) => ({
      kind,
      name,
      state,
      failures,
      last_fault: lastFault,
    })),
  }
}
