import { steadyNowMs } from '../../../delivery/contract/steady-clock.ts'
import type { Delivery } from '../../../delivery/delivery.ts'
import { type DestinationLedgers, OTHER } from '../../../accounting/destination-ledgers.ts'
import { ledgerReport, Ledger } from '../../../accounting/ledger.ts'
import type { Ledgers } from './ledgers.ts'
import type { Provisioner } from '../provision/provisioner.ts'
import type { Destination } from '../route/destination.ts'

/** Maximum lanes in `/ledger`; the sums include the others. */
const MAX_LANES = 1_000
/** Maximum destinations; the others, and those no longer tracked, are reported as `other`. */
const MAX_DESTINATIONS = 2_000
/** Maximum groups that differ from `log_groups`; the gauge counts all. */
const MAX_DRIFT = 1_000

interface Reported {
  readonly delivery: Delivery<Destination>
  readonly provisioner: Provisioner
}

/** The response of `GET /ledger`. */
export function report({ ledger, destinations }: Ledgers, running: Reported | undefined): object {
  const now = steadyNowMs()
  const delivery = running?.delivery
  const desired = running?.provisioner.desired
  const scopes = running === undefined ? [] : [...running.delivery.scopes, running.provisioner.scope]
  return {
    account: ledgerReport(ledger),
    destinations: Object.fromEntries(named(destinations).map(([key, each]) => [key, ledgerReport(each)])),
    lanes: [...(delivery?.lanes ?? [])].slice(0, MAX_LANES).map((lane) => ({
      destination: lane.key,
      waiting: lane.waitingItems,
      bytes: lane.held.bytes,
      puts: lane.inFlight,
      oldest_seconds: Math.max(0, now - (lane.runs.at(0)?.batch.enqueuedAtMs ?? now)) / 1_000,
      held_by: lane.preparing ? 'creation' : lane.waitsIn?.kind,
      parked: delivery?.parking.has(lane),
      last_fault: lane.scopes.findLast((scope) => scope.lastFault !== '')?.lastFault,
    })),
    ...(desired !== undefined && { group_drift: [...desired.drift()].slice(0, MAX_DRIFT) }),
    scopes: scopes.map(({ kind, name, state, failures, lastFault }) => ({
      kind,
      name,
      state,
      failures,
      last_fault: lastFault,
    })),
  }
}

function named(destinations: DestinationLedgers): (readonly [key: string, ledger: Ledger])[] {
  const known = [...destinations.all]
  const rest = [...known.splice(0, known.length - MAX_DESTINATIONS), ...destinations.forgotten]
  if (rest.length === 0) return known
  const other = new Ledger()
  for (const [, ledger] of rest) other.add(ledger)
  return [...known, [OTHER, other]]
}
