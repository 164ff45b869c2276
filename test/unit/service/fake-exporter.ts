import type {
  LogsConsumer,
  LogsExporter,
  LogsRequest,
  Reservation,
  StageListener,
} from '../../../src/component/consumer.ts'
import { RejectionCounter, type Rejections } from '../../../src/accounting/rejections.ts'
import type { Outcome, Refused, RejectedReason, Retry, Settlement } from '../../../src/accounting/outcome.ts'

export const RETRY: Retry = { kind: 'retry', cause: 'budget_full', afterMs: 1_000, message: 'buffers are full' }
export const REFUSED: Refused = { kind: 'refused', cause: 'malformed', message: 'field number 0 at byte 3' }

/** What a fake exporter does with each request of `records` records. */
export type Behaviour =
  | {
      readonly kind: 'take'
      readonly rejected?: Rejections
      readonly warning?: string
      readonly answerOn?: Reservation['answerOn']
    }
  | Retry
  | Refused

export interface Taken {
  readonly listener: StageListener
  readonly records: number
}

/** Holds what it took until the test lets it come to an end; counts every call of the contract. */
export class FakeExporter implements LogsExporter {
  readonly taken: Taken[] = []
  readonly calls: string[] = []
  readonly #behaviour: Behaviour
  readonly #records: number

  constructor(behaviour: Behaviour, records = 4) {
    this.#behaviour = behaviour
    this.#records = records
  }

  reserve(): Reservation | Retry | Refused {
    this.calls.push('reserve')
    const behaviour = this.#behaviour
    if (behaviour.kind !== 'take') return behaviour
    return {
      kind: 'reserved',
      records: this.#records,
      rejected: behaviour.rejected ?? rejected(),
      answerOn: behaviour.answerOn ?? 'queued',
      warning: behaviour.warning ?? '',
      commit: (listener) => {
        this.calls.push('commit')
        this.taken.push({ listener, records: this.#records - (behaviour.rejected?.count ?? 0) })
      },
      release: () => this.calls.push('release'),
    }
  }

  queued(failure?: Retry): void {
    for (const { listener } of this.taken) listener.queued(failure)
  }

  settled(settlement: Settlement, records: number): void {
    for (const { listener } of this.taken) listener.settled(settlement, records)
  }
}

/** Records by reason: `{ too_old: 2 }`. */
export function rejected(counts: Partial<Record<RejectedReason, number>> = {}): Rejections {
  const all = new RejectionCounter()
  for (const [reason, count] of Object.entries(counts))
    all.add(reason as RejectedReason, count, reason === 'empty' ? 'an empty record' : `a ${reason} record`)
  return all
}

/** Hands one request to a consumer; the answers are filled in as they come. */
export function consume(consumer: LogsConsumer): Outcome[] {
  const answers: Outcome[] = []
  const request: LogsRequest = { bytes: new Uint8Array(0), receivedAtMs: 0, metadata: undefined }
  consumer.consume(request, (outcome) => answers.push(outcome))
  return answers
}
