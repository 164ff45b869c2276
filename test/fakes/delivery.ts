// A Delivery over a queue (the memory queue unless another is given) and a FakeSender, with its ledger.
import { ByteBudget } from '../../src/component/byte-budget.ts'
import type { SettlementListener } from '../../src/component/consumer.ts'
import type { Settlement } from '../../src/accounting/outcome.ts'
import { Delivery, type DeliveryOptions } from '../../src/delivery/delivery.ts'
import type { DeliveryLedger } from '../../src/delivery/settlements.ts'
import { MemoryQueue } from '../../src/delivery/queue/memory-queue.ts'
import type { OnLaneFull } from '../../src/delivery/lanes/parking.ts'
import type { DeadLetterSink, Rescue } from '../../src/delivery/dead-letters/unwanted.ts'
import type { PackPolicy } from '../../src/delivery/contract/pack.ts'
import type { ScopeKind } from '../../src/delivery/contract/sender.ts'
import type { Queue } from '../../src/delivery/contract/queue.ts'
import { Ledger } from '../../src/accounting/ledger.ts'
import { itemBatch, type TestItem } from './items.ts'
import { listeningLogger, type LogLine } from './logger.ts'
import { FakeSender } from './sender.ts'

export const POLICY: PackPolicy = {
  maxItems: 10_000,
  maxCountedBytes: 1_048_576,
  maxSpanMs: 24 * 3_600_000 - 1,
  oldestTimeMs: () => Number.NEGATIVE_INFINITY,
  maxWaitMs: Number.POSITIVE_INFINITY,
}

export interface DeliverySetup extends Partial<Omit<DeliveryOptions, 'policy'>> {
  readonly policy?: Partial<PackPolicy>
  readonly budgetBytes?: number
  /** For bookkeeping. */
  readonly heapBytes?: number
  readonly onLaneFull?: OnLaneFull
  readonly deadLetters?: DeadLetterSink
  readonly rescue?: Rescue<string>
  readonly makeQueue?: (budget: ByteBudget) => Queue
}

/** One request of one or many lanes, and what became of it. */
export class SentRequest {
  readonly settlements: (readonly [settlement: string, items: number])[] = []
  /** `stored`, or why not; undefined before. */
  queued: string | undefined
  rejectedLanes: readonly number[] = []

  /** Items by `delivered`, `lost: shutdown`, … */
  get outcomes(): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const [settlement, items] of this.settlements) sums[settlement] = (sums[settlement] ?? 0) + items
    return sums
  }
}

export class DeliveryHarness {
  readonly sender = new FakeSender()
  readonly ledger = new Ledger()
  readonly budget: ByteBudget
  readonly queue: Queue
  /** Throttles that other processes would get. */
  readonly throttles: Throttle[] = []
  readonly delivery: Delivery<string>
  readonly logged: LogLine[] = []
  readonly #onLaneFull: OnLaneFull

  constructor(setup: DeliverySetup = {}) {
    const {
      policy,
      budgetBytes = 64 * 1_048_576,
      heapBytes,
      onLaneFull = 'reject',
      deadLetters,
      rescue,
      makeQueue,
      ...options
    } = setup
    this.#onLaneFull = onLaneFull
    this.budget = new ByteBudget(budgetBytes, heapBytes)
    this.queue = makeQueue?.(this.budget) ?? new MemoryQueue(this.budget)
    this.delivery = new Delivery(
      {
        flushIntervalMs: 1_000,
        maxConcurrentPuts: 10,
        maxPutsPerSecond: 100_000,
        retryFailed: true,
        backoff: { initialMs: 200, multiplier: 1.5, maxMs: 30_000 },
        ...options,
        policy: { ...POLICY, ...policy },
      },
      this.queue,
      this.sender,
      new LedgerAccount(this.ledger, this.throttles),
      listeningLogger((line) => this.logged.push(line)),
      { deadLetters, rescue },
    )
  }

  /** Puts a request into the queue; its items by lane, which is the destination too. */
  send(lanes: Readonly<Record<string, readonly TestItem[]>>, { queuedOnly = false } = {}): SentRequest {
    const request = new SentRequest()
    const places = Object.entries(lanes).map(([lane, items]) => ({ lane, destination: lane, items: itemBatch(items) }))
    const reserved = this.delivery.reserve(places, this.#onLaneFull)
    if (reserved.kind === 'retry') {
      request.queued = reserved.cause
      return request
    }
    request.rejectedLanes = reserved.overShare
    const records = places.reduce((sum, { items }, at) => sum + (reserved.overShare.includes(at) ? 0 : items.count), 0)
    const listener: SettlementListener = {
      settled: (settlement, items) => {
        request.settlements.push([describeSettlement(settlement), items])
      },
    }
    reserved.commit(
      (failure) => {
        if (failure === undefined) this.ledger.receive(records)
        request.queued = failure?.cause ?? 'stored'
      },
      queuedOnly ? undefined : listener,
    )
    return request
  }

  /** The first of a kind. */
  scope(kind: ScopeKind) {
    return [...this.delivery.scopes].find((scope) => scope.kind === kind)
  }

  /** What has to hold whenever nothing is left to do. */
  get idle() {
    return {
      lanes: this.delivery.laneCount,
      budget: this.budget.used,
      queued: this.ledger.queued,
      difference: this.ledger.difference(),
    }
  }
}

export const IDLE = { lanes: 0, budget: 0, queued: 0, difference: 0 }

interface Throttle {
  readonly account: string
  readonly afterMs: number
  readonly message: string
}

class LedgerAccount implements DeliveryLedger {
  readonly #ledger: Ledger
  readonly #throttles: Throttle[]

  constructor(ledger: Ledger, throttles: Throttle[]) {
    this.#ledger = ledger
    this.#throttles = throttles
  }

  moved(): void {}

  throttled(account: string, afterMs: number, message: string): void {
    this.#throttles.push({ account, afterMs, message })
  }

  settled(settlement: Settlement, items: number): void {
    this.#ledger.settle(settlement, items)
  }

  retried(items: number, maybeTaken: boolean): void {
    this.#ledger.retries++
    if (maybeTaken) this.#ledger.possibleDuplicates += items
  }

  recovered(items: number): void {
    this.#ledger.receive(items)
  }
}

function describeSettlement(settlement: Settlement): string {
  return 'reason' in settlement ? `${settlement.kind}: ${settlement.reason}` : settlement.kind
}
