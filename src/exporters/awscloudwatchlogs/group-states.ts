import { type DestinationLedgers, OTHER } from '../../telemetry/destination-ledgers.ts'
import type { Ledger } from '../../telemetry/ledger.ts'
import { destinationOf } from './destination.ts'

/** Log groups with a label of their own; clients choose how many there are. */
const MOST_GROUPS = 200

export interface GroupState {
  readonly group: string
  readonly state: string
  readonly reason: string
  readonly records: number
}

/** What became of the records of each log group, the busiest by name and the rest as `other`; states without any left out. */
export function groupStates(destinations: DestinationLedgers): GroupState[] {
  const groups = new Map<string, Ledger[]>()
  for (const [key, ledger] of destinations.all) {
    const group = key === OTHER ? OTHER : destinationOf(key).group
    groups.set(group, [...(groups.get(group) ?? []), ledger])
  }
  const received = (ledgers: readonly Ledger[]) => ledgers.reduce((sum, ledger) => sum + ledger.received, 0)
  const busiest = [...groups].sort(([, a], [, b]) => received(b) - received(a))
  const rest = busiest.splice(MOST_GROUPS).flatMap(([, ledgers]) => ledgers)
  return [...busiest, [OTHER, rest] as const].flatMap(([group, ledgers]) =>
    [...statesOf(ledgers)].map(([state, records]) => {
      const [name = '', reason = ''] = state.split(' ')
      return { group, state: name, reason, records }
    }),
  )
}

function statesOf(ledgers: readonly Ledger[]): Map<string, number> {
  const states = new Map<string, number>()
  const add = (state: string, records: number) => {
    if (records > 0) states.set(state, (states.get(state) ?? 0) + records)
  }
  for (const { queued, delivered, deadLettered, rejected, lost } of ledgers) {
    add('queued', queued)
    add('delivered', delivered)
    add('dead_lettered', deadLettered)
    for (const [reason, records] of Object.entries(rejected)) add(`rejected ${reason}`, records)
    for (const [reason, records] of Object.entries(lost)) add(`lost ${reason}`, records)
  }
  return states
}
