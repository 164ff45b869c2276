import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { PutLogEventsCommandOutput } from '@aws-sdk/client-cloudwatch-logs'
import type { Pack } from '../../delivery/pack.ts'
import type { PutOutcome, PutRetry, ScopeName, Sender } from '../../delivery/put.ts'
import type { CallAws } from './aws.ts'
import { type Body, BodyPool } from './body.ts'
import { type CallOutcome, classify, rejectedRanges } from './classify.ts'
import type { Destination } from './destination.ts'
import type { Provisioner } from './provision.ts'

const compress = promisify(gzip)

/** What names an exporter's shared scopes; two destinations with the same names fail together. */
export interface ScopeNames {
  readonly endpoint: string
  readonly credential: string
  readonly account: string
}

export interface PutOptions {
  readonly compression: 'none' | 'gzip'
  readonly scopes: ScopeNames
  /** Puts that may be under way at once. */
  readonly concurrency: number
}

/** Tries with a sequence token that an old endpoint asks for, before the lane steps back. */
const SEQUENCE_TRIES = 3
/** Destinations whose endpoint wants sequence tokens; AWS has not since 2023. */
const MOST_TOKENS = 10_000

/** Sends packs of events by PutLogEvents, and creates what is missing. */
export class PutLogEvents implements Sender<Destination> {
  readonly #aws: CallAws
  readonly #provisioner: Provisioner
  readonly #options: PutOptions
  readonly #bodies: BodyPool
  readonly #tokens = new Map<string, string>()
  /** Calls whose entity CloudWatch did not accept; the events are stored all the same. */
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
    let created = false
    for (let tries = 0; ; tries++) {
      const outcome = await this.#call(destination, pack, signal)
      switch (outcome.kind) {
        case 'accepted':
        case 'retry':
        case 'refused':
          return outcome
        case 'exists':
          return stepBack('unknown_error', 'PutLogEvents answered that something exists')
        case 'missing': {
          // Right after a creation the service may still not see it: then the lane comes back for it.
          if (created) return stepBack('not_visible_yet', outcome.message)
          const provisioned = await this.#provisioner.ensure(destination, signal)
          if (provisioned.kind === 'retry') return provisioned
          created = true
          break
        }
        case 'sequence':
          if (outcome.expected === undefined) this.#tokens.delete(destination.key)
          else this.#remember(destination.key, outcome.expected)
          if (tries >= SEQUENCE_TRIES) return stepBack('sequence_token', outcome.message)
      }
    }
  }

  async #call(destination: Destination, pack: Pack, signal: AbortSignal): Promise<CallOutcome> {
    const body = this.#bodies.build(destination, pack, this.#tokens.get(destination.key))
    try {
      const answer = await this.#send(body, signal)
      this.#bodies.giveBack(body)
      return this.#read(destination, pack, answer)
    } catch (error) {
      return classify(error)
    }
  }

  async #send(body: Body, signal: AbortSignal): Promise<PutLogEventsCommandOutput> {
    const gzipped = this.#options.compression === 'gzip'
    const bytes = gzipped ? await compress(body.bytes, { level: 1 }) : body.bytes
    const calls = await this.#aws()
    this.bytesSent += bytes.length
    return calls.putLogEvents(bytes, gzipped, signal)
  }

  #read(destination: Destination, pack: Pack, answer: PutLogEventsCommandOutput): CallOutcome {
    const { nextSequenceToken, rejectedLogEventsInfo, rejectedEntityInfo, $metadata } = answer
    // A 200 that says nothing CloudWatch would say (an empty page of a proxy) is not a success.
    if ($metadata.requestId === undefined && nextSequenceToken === undefined && rejectedLogEventsInfo === undefined) {
      return {
        kind: 'retry',
        scope: 'endpoint',
        reason: 'garbage_answer',
        afterMs: 0,
        lasting: false,
        maybeTaken: true,
        message: 'a 200 with neither a request id nor a field of PutLogEvents',
      }
    }
    if (rejectedEntityInfo !== undefined) this.entitiesRejected++
    if (nextSequenceToken !== undefined && this.#tokens.has(destination.key))
      this.#remember(destination.key, nextSequenceToken)
    return { kind: 'accepted', rejected: rejectedRanges(rejectedLogEventsInfo, pack.count) }
  }

  #remember(key: string, token: string): void {
    if (this.#tokens.size >= MOST_TOKENS) this.#tokens.clear()
    this.#tokens.set(key, token)
  }
}

function stepBack(reason: string, message: string): PutRetry {
  return { kind: 'retry', scope: 'stream', reason, afterMs: 0, lasting: false, maybeTaken: false, message }
}
