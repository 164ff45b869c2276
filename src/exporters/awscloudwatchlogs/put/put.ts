import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { PutLogEventsCommandOutput } from '@aws-sdk/client-cloudwatch-logs'
import type { Pack } from '../../../delivery/contract/pack.ts'
import {
  type Prepared,
  type PutOutcome,
  type ScopeHealth,
  type ScopeName,
  retry,
  type Sender,
  stepBack,
} from '../../../delivery/contract/sender.ts'
import type { CallAws } from '../aws/aws.ts'
import { type Body, BodyPool } from './body.ts'
import { classifyPut, rejectedRanges, type SequenceNeeded } from '../aws/classify.ts'
import type { Destination } from '../route/destination.ts'
import { RejectedEntities } from './rejected-entities.ts'
import type { Provisioner } from '../provision/provisioner.ts'

const compress = promisify(gzip)

/** Names of an exporter's shared scopes; destinations with the same names fail together. */
export interface ScopeNames {
  readonly endpoint: string
  readonly credential: string
  readonly account: string
}

export interface PutOptions {
  readonly compression: 'none' | 'gzip'
  readonly scopes: ScopeNames
  /** Maximum concurrent puts. */
  readonly concurrency: number
  /** Called when CloudWatch does not accept an entity. */
  readonly entityRejected: (group: string, entity: string, errorType: string) => void
}

/** Retries with a sequence token that an old endpoint requires, before the lane backs off. */
const SEQUENCE_TRIES = 3
/** Maximum destinations whose endpoint requires sequence tokens; AWS has not since 2023. */
const MAX_SEQUENCES = 10_000

/** Calls to a destination whose endpoint requires tokens, one at a time: each answer has the token of the next call. */
interface Sequence {
  /** Undefined if the next call has none. */
  token: string | undefined
  /** The last call that is in flight or waits for its turn; never rejects. */
  last: Promise<unknown>
}

/** Sends packs of events with PutLogEvents, and creates missing destinations. */
export class PutLogEvents implements Sender<Destination> {
  readonly #aws: CallAws
  readonly #provisioner: Provisioner
  readonly #options: PutOptions
  readonly #bodies: BodyPool
  readonly #rejectedEntities = new RejectedEntities()
  /** By destination key. */
  readonly #sequences = new Map<string, Sequence>()
  readonly #stopProvisioner = () => this.#provisioner.stop()
  /** Calls whose entity CloudWatch did not accept; their events are still stored. */
  entitiesRejected = 0
  bytesSent = 0

  constructor(aws: CallAws, provisioner: Provisioner, options: PutOptions) {
    this.#aws = aws
    this.#provisioner = provisioner
    this.#options = options
    this.#bodies = new BodyPool(options.concurrency)
  }

  scopes({ group }: Destination): readonly ScopeName[] {
    const { endpoint, credential, account } = this.#options.scopes
    return [
      { kind: 'endpoint', name: endpoint },
      { kind: 'credential', name: credential },
      { kind: 'account', name: account },
      { kind: 'group', name: group },
    ]
  }

  async put(destination: Destination, pack: Pack, signal: AbortSignal): Promise<PutOutcome> {
    for (let tries = 0; ; tries++) {
      const outcome = await this.#call(destination, pack, signal)
      if (outcome.kind !== 'sequence') return outcome
      if (tries >= SEQUENCE_TRIES) return stepBack('sequence_token', outcome.message)
    }
  }

  get creation(): ScopeHealth {
    return this.#provisioner.scope
  }

  prepare(destination: Destination, signal: AbortSignal, missing: string): Promise<Prepared> {
    // All calls share one signal, which is aborted when the lanes are abandoned.
    signal.addEventListener('abort', this.#stopProvisioner)
    return this.#provisioner.ensure(destination, missing)
  }

  hasten(maxWaitMs: number): void {
    this.#provisioner.hasten(maxWaitMs)
  }

  /** Calls at once, or in turn if tokens are required; the abort signal, shared by all calls, then ends each in turn. */
  #call(destination: Destination, pack: Pack, signal: AbortSignal): Promise<PutOutcome | SequenceNeeded> {
    const sequence = this.#sequences.get(destination.key)
    if (sequence === undefined) return this.#callNow(destination, pack, signal)
    const call = sequence.last.then(() => this.#callNow(destination, pack, signal, sequence))
    sequence.last = call
    return call
  }

  async #callNow(
    destination: Destination,
    pack: Pack,
    signal: AbortSignal,
    sequence?: Sequence,
  ): Promise<PutOutcome | SequenceNeeded> {
    try {
      signal.throwIfAborted()
      const entity = this.#entityOf(destination, pack)
      const body = this.#bodies.build(destination, pack, sequence?.token, entity)
      const answer = await this.#send(body, signal)
      this.#bodies.giveBack(body)
      if (sequence !== undefined) sequence.token = answer.nextSequenceToken ?? sequence.token
      this.#provisioner.desired?.written(destination.group)
      return this.#read(destination, pack, answer)
    } catch (error) {
      const outcome = classifyPut(error)
      if (outcome.kind === 'sequence') this.#expect(destination.key, outcome.expected, sequence)
      return outcome
    }
  }

  #expect(key: string, token: string | undefined, sequence: Sequence | undefined): void {
    if (sequence !== undefined) sequence.token = token
    // The first of concurrent calls sets the token; by the time the others answer, it may be used up.
    if (this.#sequences.has(key)) return
    if (this.#sequences.size >= MAX_SEQUENCES) this.#sequences.clear()
    this.#sequences.set(key, { token, last: Promise.resolve() })
  }

  async #send(body: Body, signal: AbortSignal): Promise<PutLogEventsCommandOutput> {
    const gzipped = this.#options.compression === 'gzip'
    const bytes = gzipped ? await compress(body.bytes, { level: 1 }) : body.bytes
    const calls = await this.#aws()
    this.bytesSent += bytes.length
    return calls.putLogEvents(bytes, gzipped, signal)
  }

  /** The entity of the pack, unless CloudWatch rejected it lately. */
  #entityOf({ group }: Destination, { tag }: Pack): string | undefined {
    return tag === undefined || this.#rejectedEntities.has(group, tag, performance.now()) ? undefined : tag
  }

  #rejected({ group }: Destination, { tag }: Pack, errorType: string): void {
    this.entitiesRejected++
    if (tag === undefined) return
    this.#rejectedEntities.add(group, tag, performance.now())
    this.#options.entityRejected(group, tag, errorType)
  }

  #read(destination: Destination, pack: Pack, answer: PutLogEventsCommandOutput): PutOutcome {
    const { nextSequenceToken, rejectedLogEventsInfo, rejectedEntityInfo, $metadata } = answer
    // A 200 without anything from CloudWatch (an empty page of a proxy) is not a success.
    if ($metadata.requestId === undefined && nextSequenceToken === undefined && rejectedLogEventsInfo === undefined) {
      const message = 'a 200 with neither a request id nor a field of PutLogEvents'
      return retry({ scope: 'endpoint', reason: 'garbage_answer', lasting: false }, message, { maybeTaken: true })
    }
    if (rejectedEntityInfo !== undefined)
      this.#rejected(destination, pack, rejectedEntityInfo.errorType ?? 'no error type')
    return { kind: 'accepted', rejected: rejectedRanges(rejectedLogEventsInfo, pack.count) }
  }
}
