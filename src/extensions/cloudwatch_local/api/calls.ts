import type { IncomingHttpHeaders } from 'node:http'

/** A request and its outcome. */
export interface Call {
  readonly operation: string
  /** Undefined if the request names none. */
  readonly group: string | undefined
  readonly stream: string | undefined
  /** Events in the request, accepted or not; 0 for anything but PutLogEvents. */
  readonly events: number
  /** Bytes of those events as CloudWatch counts them: UTF-8 and 26 each. */
  readonly bytes: number
  /** Bytes of the body on the wire, possibly compressed. */
  readonly wireBytes: number
  /** From the credential scope of the signature. */
  readonly accessKeyId: string
  readonly region: string
  readonly headers: IncomingHttpHeaders
  /** `ok`, the code of the error, `cut` (no response) or `garbage`; undefined while the call is in progress. */
  readonly outcome: string | undefined
}

/** The last calls, and the number of calls by operation and outcome. */
export class CallLog {
  readonly #kept: Call[] = []
  readonly #bound: number
  readonly #counts = new Map<string, number>()

  /** @param bound maximum calls to keep; the oldest are dropped first */
  constructor(bound: number) {
    this.#bound = bound
  }

  get recording(): boolean {
    return this.#bound > 0
  }

  /** Oldest first. */
  get all(): readonly Call[] {
    return this.#kept
  }

  /** Returns the number of calls of an operation with an outcome (default: any), including calls no longer kept. */
  count(operation: string, outcome?: string): number {
    if (outcome !== undefined) return this.#counts.get(`${operation} ${outcome}`) ?? 0
    let sum = 0
    for (const [key, count] of this.#counts) if (key.startsWith(`${operation} `)) sum += count
    return sum
  }

  /** Returns a function that sets the outcome of the call. */
  begin(call: Omit<Call, 'outcome'>): (outcome: string) => void {
    const entry: { -readonly [Key in keyof Call]: Call[Key] } = { ...call, outcome: undefined }
    if (this.#bound > 0) {
      this.#kept.push(entry)
      if (this.#kept.length > this.#bound) this.#kept.shift()
    }
    return (outcome) => {
      entry.outcome = outcome
      const key = `${call.operation} ${outcome}`
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    }
  }

  clear(): void {
    this.#kept.length = 0
    this.#counts.clear()
  }
}
