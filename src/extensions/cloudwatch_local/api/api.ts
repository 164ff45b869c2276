import { setTimeout as wait } from 'node:timers/promises'
import type { Account } from '../store/account.ts'
import type { Answer } from '../answer/answer.ts'
import { afterwards, insteadOf } from '../faults/apply.ts'
import type { Call, CallLog } from './calls.ts'
import { countedBytes, messagesOf } from '../request/event-batch.ts'
import type { FaultedCall, Faults } from '../faults/faults.ts'
import { LiveTailSession } from '../live-tail/session.ts'
import { Input } from '../request/input.ts'
import { nameInArn } from '../request/names.ts'
import { OPERATIONS, STS_OPERATIONS } from '../operations/operations.ts'
import type { Quotas } from './quotas.ts'
import { ServiceError } from '../answer/service-error.ts'

export interface ApiRequest extends Pick<Call, 'accessKeyId' | 'region' | 'headers' | 'wireBytes'> {
  readonly service: 'logs' | 'sts'
  readonly operation: string
  readonly json: unknown
}

/** A response that goes on until its client goes. */
export interface StreamAnswer {
  readonly kind: 'stream'
  readonly session: LiveTailSession
}

/** The API without HTTP: looks an operation up, applies quotas and faults, and performs it. */
export class Api {
  readonly #account: Account
  readonly #quotas: Quotas
  readonly #faults: Faults
  readonly #calls: CallLog

  constructor(account: Account, quotas: Quotas, faults: Faults, calls: CallLog) {
    this.#account = account
    this.#quotas = quotas
    this.#faults = faults
    this.#calls = calls
  }

  /**
   * @param closing ends the waits of slow calls
   * @param unanswerable aborted when the server closes or the client disconnects; ends searches
   */
  async answer(request: ApiRequest, closing: AbortSignal, unanswerable: AbortSignal): Promise<Answer | StreamAnswer> {
    const call = describe(request)
    const end = this.#calls.begin(this.#recorded(request, call))
    try {
      const answer = await this.#perform(request, call, closing, unanswerable)
      end(
        answer.kind === 'done' || answer.kind === 'stream'
          ? 'ok'
          : answer.kind === 'failed'
            ? answer.error.code
            : answer.kind,
      )
      return answer
    } catch (error) {
      const known = error instanceof ServiceError
      end(known ? error.code : unanswerable.aborted ? 'cut' : 'defect')
      if (known) return { kind: 'failed', error }
      if (unanswerable.aborted) return { kind: 'cut' }
      throw error
    }
  }

  async #perform(
    request: ApiRequest,
    call: FaultedCall,
    closing: AbortSignal,
    unanswerable: AbortSignal,
  ): Promise<Answer | StreamAnswer> {
    const operations = request.service === 'logs' ? OPERATIONS : STS_OPERATIONS
    const operation = operations.get(request.operation)
    if (operation === undefined)
      throw new ServiceError(
        'UnknownOperationException',
        `cloudwatch_local has no operation '${request.operation}'; it has ${[...operations.keys()].join(', ')}`,
      )
    const { delayMs, fault } = this.#faults.appliedTo(call)
    if (delayMs > 0) await wait(delayMs, undefined, { signal: closing })
    const instead = fault === undefined ? undefined : insteadOf(fault, call, this.#account.store)
    if (instead !== undefined) return instead
    this.#quotas.take(request.operation)
    const body = await operation(new Input(request.json), this.#account, unanswerable)
    const answer = fault === undefined ? ({ kind: 'done', body } as const) : afterwards(fault, body)
    return answer.kind === 'done' && body instanceof LiveTailSession ? { kind: 'stream', session: body } : answer
  }

  /** Returns the record of a call, without its body, which may be a MiB. */
  #recorded({ accessKeyId, region, headers, wireBytes, json }: ApiRequest, { operation, group, stream }: FaultedCall) {
    const counted = this.#calls.recording ? countedBytes(json) : { events: 0, bytes: 0 }
    return { operation, group, stream, accessKeyId, region, headers, wireBytes, ...counted }
  }
}

function describe({ operation, json }: ApiRequest): FaultedCall {
  const text = (key: string) => {
    const value = (json as Record<string, unknown> | null)?.[key]
    return typeof value === 'string' ? value : undefined
  }
  const identifier =
    text('logGroupIdentifier') ?? firstText((json as Record<string, unknown> | null)?.['logGroupIdentifiers'])
  return {
    operation,
    group: text('logGroupName') ?? (identifier === undefined ? undefined : (nameInArn(identifier) ?? identifier)),
    stream: text('logStreamName'),
    sequenceToken: text('sequenceToken'),
    messages: () => messagesOf(json),
  }
}

function firstText(list: unknown): string | undefined {
  const first: unknown = Array.isArray(list) ? list[0] : undefined
  return typeof first === 'string' ? first : undefined
}
