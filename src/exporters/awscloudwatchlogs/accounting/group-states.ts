import { type DestinationLedgers, OTHER } from '../../../accounting/destination-ledgers.ts'
import { Ledger } from '../../../accounting/ledger.ts'

/** Maximum log groups with their own label: clients choose how many groups exist. */
const MAX_GROUPS = 200

export interface GroupState {
  readonly group: string
  readonly state: string
  readonly reason: string
  readonly records: number
}

/** Records by log group and state, the busiest groups by name and the rest as `other`, without empty states. */
export function groupStates(destinations: DestinationLedgers): GroupState[] {
  const groups = new Map<string, Ledger>()
  const add = (group: string, ledger: Ledger) => {
    const sum = groups.get(group) ?? new Ledger()
    sum.add(ledger)
    groups.set(group, sum)
  }
  for (const [group, ledger] of destinations.forgotten) add(group, ledger)
  for (const [key, ledger] of destinations.all) add(destinations.groupOf(key), ledger)
  const other = groups.get(OTHER)
  groups.delete(OTHER)
  const busiest = [...groups].sort(([, a], [, b]) => b.received - a.received)
  const rest = new Ledger()
  for (const ledger of [...busiest.splice(MAX_GROUPS).map(([, ledger]) => ledger), ...(other ? [other] : [])])
    rest.add(ledger)
  return [...busiest, [OTHER, rest] as const].flatMap(([group, ledger]) => statesOf(group, ledger))
}

function statesOf(group: string, { queued, delivered, deadLettered, rejected, lost }: Ledger): GroupState[] {
  const states = [
    { group, state: 'queued', reason: '', records: queued },
    { group, state: 'delivered', reason: '', records: delivered },
    { group, state: 'dead_lettered', reason: '', records: deadLettered },
    ...Object.entries(rejected).map(([reason, records]) => ({ group, state: 'rejected', reason, records })),
    ...Object.entries(lost).map(([reason, records]) => ({ group, state: 'lost', reason, records })),
  ]
  return states.filter(({ records }) => records > 0)
}
