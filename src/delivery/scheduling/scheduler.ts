// Decides which lane sends the next put.
//
//   lane has items ─▶ full, or flush interval over, or draining? ─▶ ready lanes ─▶ every scope admits it? ─▶ pack ─▶ put
//                                                                     ▲   ▲             │ no                       │ missing
//                                                                     │   └── woken ◀── waits in that scope         ▼
//                                                                     └────────── created ◀── prepare (holds no put slot)

import type { Logger } from '../../telemetry/logger.ts'
import type { FaultScope } from '../faults/fault-scope.ts'
import { FlushTimer } from './flush-timer.ts'
import { isolatePoison } from './isolate-poison.ts'
import { Loader } from './loader.ts'
import type { Lane } from '../lanes/lane.ts'
import { type LaneEvents, Outcomes, type RetryOptions } from './outcomes.ts'
import { Pace } from './pace.ts'
import { countedOf, itemsOf, type Pack, type PackPolicy, takePack } from '../contract/pack.ts'
import { type Prepared, type PutOutcome, type Sender, stepBack } from '../contract/sender.ts'
import type { Queue } from '../contract/queue.ts'
import { ReadyLanes } from '../lanes/ready-lanes.ts'
import type { Run } from '../contract/run-queue.ts'
import { steadyNowMs } from '../contract/steady-clock.ts'

export interface SchedulerOptions extends RetryOptions {
  readonly policy: PackPolicy
  readonly flushIntervalMs: number
  /** Maximum puts in flight, over all lanes. */
  readonly maxConcurrentPuts: number
  readonly maxPutsPerSecond: number
  /** Waiting items do not keep the process alive: their owner flushes before its end. */
  readonly background?: boolean
}

/**
 * Maximum concurrent puts of one lane while full batches wait; otherwise one, which keeps its order. Leaves two of the
 * default of ten to other lanes; with four, one stream could not be sent as fast as it arrived, and filled the queue.
 */
const MAX_PUTS_PER_LANE = 8
/** Share of the put slots for lanes whose last put failed: their timeouts must not block the others. */
const FAILING_SHARE = 1 / 2
/** Time for which a created destination may still be reported missing: the lane backs off, and nothing is created again. */
const VISIBLE_WITHIN_MS = 10_000
/** Fullness of the queue above which lanes do not wait for the flush interval: senders are about to be refused. */
const FULL_ENOUGH = 1 / 2

export class Scheduler<D> {
  readonly #options: SchedulerOptions
  readonly #sender: Sender<D>
  readonly #queue: Queue
  readonly #events: LaneEvents<D>
  readonly #outcomes: Outcomes<D>
  readonly #flushes: FlushTimer<Lane<D>>
  readonly #pace: Pace
  #paceTimer: NodeJS.Timeout | undefined
  readonly #ready = new ReadyLanes<D>()
  #pumping = false
  readonly #aborted = new AbortController()
  inFlight = 0
  puts = 0
  /** Flushes in progress; while there is one, lanes send without waiting. */
  flushing = 0
  /** Puts in flight of lanes whose last put failed. */
  #failingInFlight = 0
  /** Failing lanes that wait for a slot of failing lanes. */
  readonly #failing = new Set<Lane<D>>()
  readonly #sends = new Set<Promise<void>>()
  readonly #loader: Loader<D>

  constructor(options: SchedulerOptions, sender: Sender<D>, queue: Queue, events: LaneEvents<D>, logger: Logger) {
    this.#options = options
    this.#flushes = new FlushTimer<Lane<D>>((lane, deadlineMs) => {
      if (lane.deadlineMs === deadlineMs) this.consider(lane)
    }, options.background)
    this.#sender = sender
    this.#queue = queue
    this.#events = events
    this.#outcomes = new Outcomes(events, options, logger)
    this.#loader = new Loader(queue, options.policy.maxCountedBytes, (lane, run) =>
      events.settle(lane, run, { kind: 'lost', reason: 'quarantined' }, ''),
    )
    this.#pace = new Pace(options.maxPutsPerSecond, Math.max(1, options.maxPutsPerSecond / 10))
  }

  get acceptedBytes(): number {
    return this.#outcomes.acceptedBytes
  }

  /** Updates the lane's place in the lists. Called after every change of the lane. */
  consider(lane: Lane<D>): void {
    if (lane.waitingItems === 0) {
      lane.deadlineMs = undefined
      if (lane.inFlight > 0) return
      this.#failing.delete(lane)
      this.#events.forget(lane)
      return this.#passOn(lane)
    }
    const now = performance.now()
    if (lane.deadlineMs === undefined) {
      lane.deadlineMs = now + this.#options.flushIntervalMs
      this.#flushes.add(lane, lane.deadlineMs)
    }
    const due = this.flushing > 0 || now >= lane.deadlineMs || this.#full(lane) || this.#queue.fullness >= FULL_ENOUGH
    if (!due || this.#rests(lane) || !this.#mayPut(lane)) return
    this.#ready.add(lane)
    this.#pump()
  }

  /** Called when a scope has room for the lane again. */
  wake(lane: Lane<D>): void {
    const scope = lane.waitsIn
    lane.waitsIn = undefined
    this.consider(lane)
    // If the lane no longer needs the slot (its items expired), pass it on. It keeps the slot while loading from disk:
    // otherwise all lanes would load for the one put that may be sent.
    const isListed = lane.inFresh || lane.inBacklog
    if (!isListed && !this.#loader.has(lane) && lane.inFlight === 0 && lane.waitsIn === undefined) scope?.pass()
  }

  /** Gives up items past `maxWaitMs`, for lanes that send no puts because one of their scopes is open. */
  expire(lane: Lane<D>, nowMs: number): void {
    if (this.#loader.has(lane) || this.#aborted.signal.aborted) return
    // The items may become dead letters, so they have to be in memory.
    if (!this.#giveUpExpired(lane, nowMs)) return this.#loader.load(lane, 0, () => this.expire(lane, steadyNowMs()))
    this.consider(lane)
  }

  /** @returns false if the next batch has to be loaded first */
  #giveUpExpired(lane: Lane<D>, nowMs: number): boolean {
    for (let run = lane.runs.at(0); run !== undefined && this.#hasExpired(run, nowMs); run = lane.runs.at(0)) {
      if (run.batch.items === undefined) return false
      this.#giveUpFirst(lane, run)
    }
    return true
  }

  #giveUpFirst(lane: Lane<D>, run: Run): void {
    lane.runs.replace(0, 1, undefined)
    lane.took(run.to - run.from, countedOf([run]))
    this.#outcomes.expired(lane, run)
  }

  #hasExpired({ batch }: Run, nowMs: number): boolean {
    return nowMs - batch.enqueuedAtMs > this.#options.policy.maxWaitMs
  }

  /** Lets others go on where a disk does not respond. Called about every second. */
  passOnSlow(): void {
    this.#loader.passOnSlow()
    this.#pump()
  }

  /** Ends every timer, aborts the puts in flight and waits for them. Unsettled items stay unsettled. */
  async close(): Promise<void> {
    this.#aborted.abort()
    this.#flushes.close()
    clearTimeout(this.#paceTimer)
    this.#paceTimer = undefined
    this.#ready.clear()
    this.#failing.clear()
    await Promise.all(this.#sends)
  }

  /** Returns true if another event will call `consider` for the lane. */
  #rests(lane: Lane<D>): boolean {
    return lane.waitsIn !== undefined || lane.preparing || this.#loader.has(lane) || this.#failing.has(lane)
  }

  #full(lane: Lane<D>): boolean {
    const { maxItems, maxCountedBytes, fullItems = maxItems, fullCountedBytes = maxCountedBytes } = this.#options.policy
    return lane.waitingItems >= fullItems || lane.waitingCounted >= fullCountedBytes
  }

  #mayPut(lane: Lane<D>): boolean {
    if (lane.inFlight === 0) return true
    const { maxItems, maxCountedBytes } = this.#options.policy
    const behind = lane.waitingItems >= maxItems || lane.waitingCounted >= maxCountedBytes
    return behind && lane.inFlight < MAX_PUTS_PER_LANE
  }

  #pump(): void {
    // A put may end, and call this again, while the lists are being processed.
    if (this.#pumping || this.#aborted.signal.aborted) return
    this.#pumping = true
    do this.#recallFailing()
    while (this.inFlight + this.#loader.slots < this.#options.maxConcurrentPuts && this.#sendNext())
    this.#pumping = false
  }

  #sendNext(): boolean {
    if (!this.#hasPlace()) return false
    this.#ready.next((lane, place) => this.#dispatch(lane, place))
    return true
  }

  /** Lists a failing lane again when there is a slot for it. */
  #recallFailing(): void {
    const [next] = this.#failing
    if (next === undefined || this.#failingPlacesTaken) return
    this.#failing.delete(next)
    this.#ready.add(next)
  }

  get #failingPlacesTaken(): boolean {
    return this.#failingInFlight >= Math.max(1, this.#options.maxConcurrentPuts * FAILING_SHARE)
  }

  /**
   * Returns true if a put may be sent now. Checked before a lane is taken from its list: a lane that could not be sent in its
   * turn would return behind all others, and of ten thousand lanes some would not be sent for minutes.
   */
  #hasPlace(): boolean {
    if (this.#paceTimer !== undefined || this.#ready.isEmpty) return false
    const waitMs = this.#pace.waitMs()
    if (waitMs === 0) return true
    this.#paceTimer = setTimeout(() => {
      this.#paceTimer = undefined
      this.#pump()
    }, waitMs)
    return false
  }

  /** Sends one put of the lane, or leaves the lane where it will be woken. */
  #dispatch(lane: Lane<D>, place: number): boolean {
    if (this.#rests(lane) || lane.waitingItems === 0 || !this.#mayPut(lane)) return false
    const { isFailing } = lane
    if (isFailing && this.#failingPlacesTaken) {
      this.#failing.add(lane)
      this.#passOn(lane)
      return false
    }
    const closed = lane.scopes.find((scope) => !scope.admits(lane))
    if (closed !== undefined) {
      this.#waitIn(lane, closed)
      return false
    }
    const first = lane.runs.at(place)
    if (first === undefined) {
      // The records were fresh when the lane was listed, and have aged since.
      this.consider(lane)
      return false
    }
    if (first.batch.items === undefined) {
      this.#loader.loadForPut(lane, place, () => {
        this.#ready.addLoaded(lane, place)
        this.consider(lane)
        this.#pump()
      })
      return false
    }
    const { pack, expired, passedOver } = takePack(lane.runs, place, this.#options.policy, Date.now(), steadyNowMs())
    lane.took(pack.count + itemsOf(expired), pack.countedBytes + countedOf(expired))
    // Items that were passed over have waited as long, so their pack is due now.
    lane.deadlineMs = passedOver ? 0 : undefined
    for (const run of expired) this.#outcomes.expired(lane, run)
    if (pack.count === 0) {
      this.consider(lane)
      this.#passOn(lane)
      return false
    }
    this.#pace.take()
    for (const scope of lane.scopes) scope.begin()
    for (const { batch } of pack.runs) batch.sending++
    lane.inFlight++
    this.inFlight++
    if (isFailing) this.#failingInFlight++
    this.#await(this.#send(lane, pack, isFailing))
    this.consider(lane)
    return true
  }

  /** Tracks work that has to end before the scheduler is closed. */
  #await(work: Promise<void>): void {
    const sent = work.finally(() => this.#sends.delete(sent))
    this.#sends.add(sent)
  }

  async #send(lane: Lane<D>, pack: Pack, isFailing: boolean): Promise<void> {
    const startedAtMs = performance.now()
    let outcome = await this.#put(lane, pack)
    let rest = pack
    if (outcome.kind === 'refused') {
      const groupWorks = lane.scopes.some((scope) => scope.kind === 'group' && scope.everSucceeded)
      const isolated = await isolatePoison(pack, outcome, groupWorks, {
        put: (part) => this.#put(lane, part),
        accepted: (part, accepted) => this.#outcomes.accepted(lane, part, accepted),
        poison: (part, message) => this.#outcomes.poison(lane, part, message),
      })
      outcome = isolated.outcome
      rest = isolated.rest
    }
    lane.inFlight--
    this.inFlight--
    if (isFailing) this.#failingInFlight--
    for (const scope of lane.scopes) scope.end()
    if (outcome.kind === 'accepted') this.#outcomes.accepted(lane, rest, outcome)
    else if (this.#aborted.signal.aborted) lane.putBack(rest.runs, rest.count, rest.countedBytes)
    else if (outcome.kind === 'missing') this.#missing(lane, rest, outcome.message, startedAtMs)
    else this.#outcomes.retry(lane, rest, outcome, startedAtMs)
    for (const { batch } of pack.runs) batch.sending--
    if (this.#aborted.signal.aborted) return
    this.consider(lane)
    this.#pump()
  }

  /** Creates the destination. Meanwhile the lane waits outside of every scope, and uses no put slot. */
  #missing(lane: Lane<D>, pack: Pack, message: string, startedAtMs: number): void {
    if (performance.now() - lane.preparedAtMs < VISIBLE_WITHIN_MS)
      return this.#outcomes.retry(lane, pack, { ...stepBack('not_visible_yet', message), expected: true }, startedAtMs)
    lane.putBack(pack.runs, pack.count, pack.countedBytes)
    lane.deadlineMs = performance.now()
    if (!lane.preparing) {
      // Set before the scopes wake lanes, because this lane must not be sent.
      lane.preparing = true
      this.#await(
        this.#sender
          .prepare(lane.destination, this.#aborted.signal, message)
          .then((made) => this.#prepared(lane, made)),
      )
    }
    this.#outcomes.blame.missing(lane)
  }

  #prepared(lane: Lane<D>, made: Prepared): void {
    lane.preparing = false
    if (this.#aborted.signal.aborted) return
    if (made.kind === 'ready') lane.preparedAtMs = performance.now()
    else if (this.#options.retryFailed) this.#outcomes.blame.failed(lane, made)
    else this.#giveUp(lane)
    this.consider(lane)
  }

  /** Gives up all items of the lane: without retries, a destination that cannot be created ends them. */
  #giveUp(lane: Lane<D>): void {
    for (let run = lane.runs.at(0); run !== undefined; run = lane.runs.at(0)) this.#giveUpFirst(lane, run)
  }

  #put(lane: Lane<D>, pack: Pack): Promise<PutOutcome> {
    this.puts++
    return this.#sender.put(lane.destination, pack, this.#aborted.signal)
  }

  #waitIn(lane: Lane<D>, closed: FaultScope<Lane<D>>): void {
    lane.waitsIn = closed
    closed.wait(lane)
    // Its slot in another scope goes to the next waiter there.
    for (const scope of lane.scopes) if (scope !== closed) scope.pass()
  }

  /** Passes the lane's unused slots in its scopes on to others. */
  #passOn(lane: Lane<D>): void {
    for (const scope of lane.scopes) scope.pass()
  }
}
