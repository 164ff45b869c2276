import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  type CloudWatchLogsClient,
  PutLogEventsCommand,
  type PutLogEventsCommandOutput,
} from '@aws-sdk/client-cloudwatch-logs'
import type { Pack } from '../../delivery/pack.ts'
import type { PutOutcome, PutRetry, ScopeName, Sender } from '../../delivery/put.ts'
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
  readonly #client: CloudWatchLogsClient
  readonly #provisioner: Provisioner
  readonly #options: PutOptions
  readonly #bodies: BodyPool
  readonly #tokens = new Map<string, string>()
  /** Calls whose entity CloudWatch did not accept; the events are stored all the same. */
  entitiesRejected = 0
  bytesSent = 0

  constructor(client: CloudWatchLogsClient, provisioner: Provisioner, options: PutOptions) {
    this.#client = client
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
    const bytes = this.#options.compression === 'gzip' ? await compress(body.bytes, { level: 1 }) : body.bytes
    const encoding = this.#options.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}
    // The events are ready, so the SDK serializes a call without any, and the body is put in before it is measured and signed.
    const command = new PutLogEventsCommand({ logGroupName: '-', logStreamName: '-', logEvents: [] })
    command.middlewareStack.add(
      (next) => (call) => {
        const request = call.request as { body: unknown; headers: Record<string, string> }
        request.body = bytes
        Object.assign(request.headers, encoding)
        return next(call)
      },
      { step: 'build', priority: 'high', name: 'readyBody' },
    )
    this.bytesSent += bytes.length
    return this.#client.send(command, { abortSignal: signal })
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
