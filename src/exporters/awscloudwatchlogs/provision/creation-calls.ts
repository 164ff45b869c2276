// The calls that create groups and streams, separate from puts. They have their own pace, circuit breaker and backoff, so
// that an account that throttles creations, or an endpoint that answers them with 503, delays no put.
//
//   run ─▶ waiting by kind ─▶ pace of the kind? ─▶ scope admits? ─▶ call ─▶ answered ─▶ outcome
//              ▲                                                     │
//              └───────────── fault of the account, network ◀────────┘   again, after the others of its kind

import type { BackoffOptions } from '../../../delivery/faults/backoff.ts'
import { FaultScope } from '../../../delivery/faults/fault-scope.ts'
import { type PutRetry, stepBack } from '../../../delivery/contract/sender.ts'
import { Pace } from '../../../delivery/scheduling/pace.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import type { CallAws } from '../aws/aws.ts'
import type { Calls } from '../aws/calls.ts'
import { CREATE_GROUPS_PER_SECOND, CREATE_STREAMS_PER_SECOND, RETENTIONS_PER_SECOND } from '../limits.ts'
import { classifyCreation, type CreationOutcome } from '../aws/classify.ts'

/** In order of priority: finishing a destination comes first, so that some are ready before all are started. */
const KINDS = ['finish_stream', 'group', 'first_stream', 'retention'] as const
export type CreationKind = (typeof KINDS)[number]

/** Maximum concurrent calls: enough for 40 streams a second at 200 ms each. */
const MAX_CONCURRENCY = 8
/** Burst, as part of a second's calls: together with the pace it reaches the quota in any second. */
const BURST = 1 / 4

interface Waiting {
  readonly send: (calls: Calls) => Promise<unknown>
  readonly resolve: (outcome: CreationOutcome) => void
}

export class CreationCalls {
  readonly #aws: CallAws
  readonly #logger: Logger
  readonly #waiting: Readonly<Record<CreationKind, Waiting[]>> = {
    finish_stream: [],
    group: [],
    first_stream: [],
    retention: [],
  }
  readonly #paces: Readonly<Record<CreationKind, Pace>>
  /** Reported with the scopes of puts. */
  readonly scope: FaultScope<CreationCalls>
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** @param share this process's share of the account's quotas, 0 to 1 */
  constructor(aws: CallAws, account: string, share: number, backoff: BackoffOptions, logger: Logger) {
    this.#aws = aws
    this.#logger = logger
    const pace = (perSecond: number) => new Pace(perSecond * share, Math.max(1, perSecond * share * BURST))
    // Both kinds of stream creation share one quota, so they share one pace.
    const streams = pace(CREATE_STREAMS_PER_SECOND)
    this.#paces = {
      finish_stream: streams,
      group: pace(CREATE_GROUPS_PER_SECOND),
      first_stream: streams,
      retention: pace(RETENTIONS_PER_SECOND),
    }
    this.scope = new FaultScope(
      'creation',
      account,
      { backoff, maxConcurrency: MAX_CONCURRENCY, firstConcurrency: 1 },
      () => this.#pump(),
    )
  }

  /** Calls that wait for their turn. */
  get waiting(): number {
    return KINDS.reduce((sum, kind) => sum + this.#waiting[kind].length, 0)
  }

  /** Resolves with an outcome about the group or stream; faults of the account, credentials or network are retried. */
  run(kind: CreationKind, send: Waiting['send']): Promise<CreationOutcome> {
    if (this.#stopped) return Promise.resolve(STOPPED)
    return new Promise((resolve) => {
      this.#waiting[kind].push({ send, resolve })
      this.#pump()
    })
  }

  hasten(maxWaitMs: number): void {
    this.scope.hasten(maxWaitMs)
  }

  /** Ends every wait; calls in flight end by their signal. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.scope.close()
    for (const kind of KINDS) for (const { resolve } of this.#waiting[kind].splice(0)) resolve(STOPPED)
  }

  #pump(): void {
    if (this.#stopped || this.waiting === 0) return
    while (this.scope.admits(this)) {
      const next = this.#next()
      if (next === undefined) return
      void this.#call(...next)
    }
    this.scope.wait(this)
  }

  /** Takes the next call that its pace allows; if there is none, sets a timer for the first one. */
  #next(): readonly [CreationKind, Waiting] | undefined {
    let waitMs = Number.POSITIVE_INFINITY
    for (const kind of KINDS) {
      const first = this.#waiting[kind][0]
      if (first === undefined) continue
      const pace = this.#paces[kind]
      const turnMs = pace.waitMs()
      if (turnMs === 0) {
        pace.take()
        this.#waiting[kind].shift()
        return [kind, first]
      }
      waitMs = Math.min(waitMs, turnMs)
    }
    clearTimeout(this.#timer)
    if (waitMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), waitMs)
    return undefined
  }

  async #call(kind: CreationKind, waiting: Waiting): Promise<void> {
    this.scope.begin()
    const outcome = await this.#send(waiting.send)
    this.scope.end()
    if (this.#stopped) return waiting.resolve(STOPPED)
    if (outcome.kind === 'retry' && isWide(outcome)) {
      // Last in its queue: a single group that answers 503 must not delay the others.
      this.#waiting[kind].push(waiting)
      this.#fail(outcome)
    } else {
      waiting.resolve(outcome)
      this.#succeed()
    }
    this.#pump()
  }

  async #send(send: Waiting['send']): Promise<CreationOutcome> {
    try {
      await send(await this.#aws())
      return { kind: 'done' }
    } catch (error) {
      return classifyCreation(error)
    }
  }

  #fail(outcome: PutRetry): void {
    if (!this.scope.fail(outcome) || !Number.isInteger(Math.log2(this.scope.openings))) return
    this.scope.reported = true
    this.#logger.warn('log groups and streams cannot be created now; records for new ones wait', {
      reason: outcome.reason,
      waiting: this.waiting,
      failures: this.scope.failures,
      nextTryMs: Math.round(this.scope.opensInMs),
      error: outcome.message,
    })
  }

  #succeed(): void {
    if (!this.scope.succeed() || !this.scope.reported) return
    this.scope.reported = false
    this.#logger.info('log groups and streams can be created again', { waiting: this.waiting })
  }
}

const STOPPED: CreationOutcome = stepBack('shutting_down', 'the exporter is stopping')

/** Whether the fault is wider than the group or stream. */
function isWide({ scope }: PutRetry): boolean {
  return scope !== 'group' && scope !== 'stream'
}
