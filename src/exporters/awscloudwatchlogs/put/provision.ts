import { setTimeout as sleep } from 'node:timers/promises'
import type { PutRetry } from '../../../delivery/contract/sender.ts'
import type { Siblings } from '../../../component/siblings.ts'
import { Pace } from '../../../delivery/scheduling/pace.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import type { CallAws } from '../aws/aws.ts'
import type { Calls } from '../aws/calls.ts'
import { type CallOutcome, classify } from './classify.ts'
import type { Destination } from '../route/destination.ts'
import { CREATES_PER_SECOND } from '../limits.ts'

export interface GroupSettings {
  /** Days; 0: never expire. Set on groups this exporter creates, never on others. */
  readonly retentionDays: number
  readonly tags: Readonly<Record<string, string>> | undefined
  /** Of the creations an account may make a second. */
  readonly share: number
  /** Has a group made by one process while the others wait. */
  readonly once: Siblings['once']
}

/** `ready`: it exists now. Otherwise why not, as an outcome for the lane. */
export type Provisioned = { readonly kind: 'ready' } | PutRetry

const READY: Provisioned = { kind: 'ready' }
/** Creations waiting for their turn at which a put no longer waits with them, but leaves its place to other lanes. */
const MOST_WAITED_FOR = 4
/** Creations that may wait at all: their lanes come back by themselves. */
const MOST_PENDING = 1_000

/** Creates groups and streams: one caller each, however many lanes want it, and no faster than the account may. */
export class Provisioner {
  readonly #aws: CallAws
  readonly #settings: GroupSettings
  readonly #logger: Logger
  readonly #pace: Pace
  readonly #pending = new Map<string, Promise<Provisioned>>()
  readonly #groups = new Map<string, Promise<CallOutcome>>()
  /** Turns are taken one after another, so that waiting creations do not all ask for the same token. */
  #turn: Promise<void> = Promise.resolve()
  groupsCreated = 0
  streamsCreated = 0

  constructor(aws: CallAws, settings: GroupSettings, logger: Logger) {
    this.#aws = aws
    this.#settings = settings
    this.#pace = new Pace(CREATES_PER_SECOND * settings.share, Math.max(1, CREATES_PER_SECOND * settings.share))
    this.#logger = logger
  }

  /** Has the destination exist. Does not wait behind a long row of creations: then the lane is asked to come back. */
  async ensure(destination: Destination, signal: AbortSignal): Promise<Provisioned> {
    const known = this.#pending.get(destination.key)
    if (known !== undefined) return known
    const waiting = this.#pending.size
    if (waiting >= MOST_PENDING) return comeBack(waiting)
    const creation = this.#create(destination, signal).finally(() => this.#pending.delete(destination.key))
    this.#pending.set(destination.key, creation)
    return waiting > MOST_WAITED_FOR ? comeBack(waiting) : creation
  }

  async #create(destination: Destination, signal: AbortSignal): Promise<Provisioned> {
    let outcome = await this.#createStream(destination, signal)
    if (outcome.kind === 'missing') {
      outcome = await this.#createGroupOnce(destination.group, signal)
      if (outcome.kind === 'accepted') outcome = await this.#createStream(destination, signal)
    }
    switch (outcome.kind) {
      case 'accepted':
      case 'exists':
        return READY
      case 'retry':
        return outcome
      case 'refused':
      case 'missing':
      case 'sequence':
        return {
          kind: 'retry',
          scope: 'group',
          reason: 'cannot_create',
          afterMs: 0,
          lasting: true,
          maybeTaken: false,
          message: outcome.message,
        }
    }
  }

  async #createStream(destination: Destination, signal: AbortSignal): Promise<CallOutcome> {
    const outcome = await this.#call((calls) => calls.createLogStream(destination, signal), signal)
    if (outcome.kind === 'accepted') this.streamsCreated++
    return outcome
  }

  #createGroupOnce(group: string, signal: AbortSignal): Promise<CallOutcome> {
    const known = this.#groups.get(group)
    if (known !== undefined) return known
    const creation = this.#createGroupForAll(group, signal).finally(() => this.#groups.delete(group))
    this.#groups.set(group, creation)
    return creation
  }

  async #createGroupForAll(group: string, signal: AbortSignal): Promise<CallOutcome> {
    // What another process has just made is there.
    let outcome: CallOutcome = { kind: 'accepted', rejected: [] }
    const create = async () => {
      outcome = await this.#createGroup(group, signal)
      return outcome.kind === 'accepted'
    }
    await this.#settings.once(`create ${group}`, create, signal)
    return outcome
  }

  async #createGroup(group: string, signal: AbortSignal): Promise<CallOutcome> {
    const { retentionDays, tags } = this.#settings
    const outcome = await this.#call((calls) => calls.createLogGroup(group, tags, signal), signal)
    if (outcome.kind === 'exists') return { kind: 'accepted', rejected: [] }
    if (outcome.kind !== 'accepted') return outcome
    this.groupsCreated++
    this.#logger.info('created a log group', { group, retentionDays })
    if (retentionDays > 0) await this.#setRetention(group, retentionDays, signal)
    return outcome
  }

  /** A group without its retention still takes events, so that is said and not waited for. */
  async #setRetention(group: string, days: number, signal: AbortSignal): Promise<void> {
    const outcome = await this.#call((calls) => calls.putRetentionPolicy(group, days, signal), signal)
    if (outcome.kind === 'accepted') return
    const error = 'message' in outcome ? outcome.message : outcome.kind
    this.#logger.error('a log group was created without its retention: set it by hand', { group, days, error })
  }

  async #call(send: (calls: Calls) => Promise<unknown>, signal: AbortSignal): Promise<CallOutcome> {
    await this.#takeTurn(signal)
    try {
      await send(await this.#aws())
      return { kind: 'accepted', rejected: [] }
    } catch (error) {
      return classify(error)
    }
  }

  #takeTurn(signal: AbortSignal): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      for (let wait = this.#pace.take(); wait !== true && !signal.aborted; wait = this.#pace.take())
        // It ends early, with an error, when nobody waits for the turn any more.
        await sleep(wait, undefined, { signal }).catch(() => undefined)
    })
    return this.#turn
  }
}

function comeBack(waiting: number): PutRetry {
  return {
    kind: 'retry',
    scope: 'stream',
    reason: 'creating',
    // Two calls for a new group and stream; the jitter keeps the lanes from coming back together.
    afterMs: ((waiting * 2) / CREATES_PER_SECOND) * 1_000 * (1 + Math.random() / 4),
    lasting: false,
    maybeTaken: false,
    expected: true,
    message: `${waiting} log groups and streams are being created before it`,
  }
}
