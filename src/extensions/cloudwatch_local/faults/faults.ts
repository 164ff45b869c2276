import { ServiceError } from '../answer/service-error.ts'

// Faults of CloudWatch and the network, switched on by tests in the same process.

/** The calls a fault applies to; an absent key means any. */
export interface Where {
  readonly operation?: string
  readonly group?: string
  readonly stream?: string
  /** Number of calls; unlimited if absent. */
  readonly times?: number
  /** Called for each matching call; returns whether the fault applies. For intermittent faults. */
  readonly when?: () => boolean
}

type Fault =
  | { readonly kind: 'error'; readonly error: ServiceError }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' }
  | { readonly kind: 'garbage'; readonly contentType: string; readonly body: string }
  | { readonly kind: 'no_sequence_token' }
  | { readonly kind: 'reject_all'; readonly as: 'too_old' | 'too_new' | 'expired' }
  | { readonly kind: 'sequence_token' }
  | { readonly kind: 'already_accepted' }
  | { readonly kind: 'poison'; readonly text: string }

/** A fault that decides the outcome of a call; `slow` does not. */
export type DecidingFault = Exclude<Fault, { readonly kind: 'slow' }>

/** An incoming call, as far as faults need it. */
export interface FaultedCall {
  readonly operation: string
  readonly group: string | undefined
  readonly stream: string | undefined
  readonly sequenceToken: unknown
  /** The messages of a PutLogEvents. */
  messages(): Iterable<string>
}

export class ActiveFault {
  readonly fault: Fault
  readonly where: Where
  /** Number of calls it was applied to. */
  hits = 0
  readonly #off: (fault: ActiveFault) => void

  constructor(fault: Fault, where: Where, off: (fault: ActiveFault) => void) {
    this.fault = fault
    this.where = where
    this.#off = off
  }

  off(): void {
    this.#off(this)
  }

  /** Returns whether it applies to this call, and counts the call if so. */
  appliesTo(call: FaultedCall): boolean {
    const { operation, group, stream, times, when } = this.where
    if (times !== undefined && this.hits >= times) return false
    if (operation !== undefined && operation !== call.operation) return false
    if (group !== undefined && group !== call.group) return false
    if (stream !== undefined && stream !== call.stream) return false
    if (when !== undefined && !when()) return false
    const { fault } = this
    if (fault.kind === 'poison' && !contains(call.messages(), fault.text)) return false
    this.hits += 1
    return true
  }
}

/** The active faults. The first deciding one that applies to a call sets its outcome; delays before it add up. */
export class Faults {
  #active: ActiveFault[] = []

  /** `ThrottlingException`, "Rate exceeded". */
  throttle(where: Where = {}): ActiveFault {
    return this.error('ThrottlingException', 'Rate exceeded', 400, where)
  }

  /** 500 `InternalFailure` or 503 `ServiceUnavailableException`, by status. */
  fail(status: 500 | 502 | 503 | 504, where: Where = {}): ActiveFault {
    return status === 503
      ? this.error('ServiceUnavailableException', 'The service cannot complete the request.', status, where)
      : this.error('InternalFailure', 'The request processing has failed because of an unknown error.', status, where)
  }

  /** `AccessDeniedException` for a group, or one stream of it. */
  deny(where: Where & { readonly group: string }): ActiveFault {
    return this.error('AccessDeniedException', `User is not authorized to perform this on ${where.group}`, 400, where)
  }

  /** `ExpiredTokenException`: the credentials have expired. */
  expireCredentials(where: Where = {}): ActiveFault {
    return this.error('ExpiredTokenException', 'The security token included in the request is expired', 400, where)
  }

  /** Any error, by code and message. */
  error(code: string, message: string, status: number, where: Where = {}): ActiveFault {
    return this.#add({ kind: 'error', error: new ServiceError(code, message, status) }, where)
  }

  /** Waits before the call is processed. */
  slow(ms: number, where: Where = {}): ActiveFault {
    return this.#add({ kind: 'slow', ms }, where)
  }

  /** Cuts the connection without a response, before or after the operation. */
  cut(when: 'before' | 'after', where: Where = {}): ActiveFault {
    return this.#add({ kind: 'cut', when }, where)
  }

  /** A 200 that is not from the service, as from a proxy in between; the operation is not performed. */
  garbage(what: 'html' | 'empty' | 'half_json', where: Where = {}): ActiveFault {
    const bodies = { html: '<html><body>Welcome to the hotel network</body></html>', empty: '', half_json: '{"nextSeq' }
    const contentType = what === 'html' ? 'text/html' : 'application/x-amz-json-1.1'
    return this.#add({ kind: 'garbage', contentType, body: bodies[what] }, where)
  }

  /** A put is accepted, and its response has no `nextSequenceToken`. */
  omitSequenceToken(where: Where = {}): ActiveFault {
    return this.#add({ kind: 'no_sequence_token' }, { operation: 'PutLogEvents', ...where })
  }

  /** A put gets a 200 that rejects every event in it. */
  rejectAll(as: 'too_old' | 'too_new' | 'expired', where: Where = {}): ActiveFault {
    return this.#add({ kind: 'reject_all', as }, { operation: 'PutLogEvents', ...where })
  }

  /**
   * CloudWatch's rule until 2023: `InvalidSequenceTokenException` with `expectedSequenceToken`, unless a put has the
   * `nextSequenceToken` of the last response for its stream. An empty stream accepts any token.
   */
  demandSequenceTokens(where: Where = {}): ActiveFault {
    return this.#add({ kind: 'sequence_token' }, { operation: 'PutLogEvents', ...where })
  }

  /** The events are stored and the response is `DataAlreadyAcceptedException`, as if an earlier attempt had succeeded. */
  alreadyAccepted(where: Where = {}): ActiveFault {
    return this.#add({ kind: 'already_accepted' }, { operation: 'PutLogEvents', ...where })
  }

  /** `InvalidParameterException` for a put with a message that contains the text. */
  poison(text: string, where: Where = {}): ActiveFault {
    return this.#add({ kind: 'poison', text }, { operation: 'PutLogEvents', ...where })
  }

  /** Switches all faults off. */
  clear(): void {
    this.#active = []
  }

  /** Returns the delay of this call, and the fault that decides its outcome, if any. */
  appliedTo(call: FaultedCall): {
    readonly delayMs: number
    readonly fault: DecidingFault | undefined
  } {
    let delayMs = 0
    for (const active of this.#active) {
      if (!active.appliesTo(call)) continue
      if (active.fault.kind !== 'slow') return { delayMs, fault: active.fault }
      delayMs += active.fault.ms
    }
    return { delayMs, fault: undefined }
  }

  #add(fault: Fault, where: Where): ActiveFault {
    const active = new ActiveFault(fault, where, (gone) => {
      this.#active = this.#active.filter((each) => each !== gone)
    })
    this.#active.push(active)
    return active
  }
}

function contains(messages: Iterable<string>, text: string): boolean {
  for (const message of messages) if (message.includes(text)) return true
  return false
}
