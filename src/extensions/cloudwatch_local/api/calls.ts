import type { IncomingHttpHeaders } from 'node:http'

/** What one request was and what it came to. */
export interface Call {
  readonly operation: string
  /** Undefined where the request names none. */
  readonly group: string | undefined
  readonly stream: string | undefined
  /** Events in the request, whether they were taken or not; 0 for anything but PutLogEvents. */
  readonly events: number
  /** Of those events, as CloudWatch counts: UTF-8 and 26 each. */
  readonly bytes: number
  /** Bytes of the body on the wire, so compressed if it was. */
  readonly wireBytes: number
  /** From the credential scope of the signature. */
  readonly accessKeyId: string
  readonly region: string
  readonly headers: IncomingHttpHeaders
  /** `ok`, the code of the error, `cut` (no answer was given) or `garbage`; undefined while it is being worked on. */
  readonly outcome: string | undefined
}

/** The last calls, and how many there were of each operation and outcome. */
export class CallLog {
  readonly #kept: Call[] = []
  readonly #bound: number
  readonly #counts = new Map<string, number>()

  /** @param bound calls that are kept; the oldest go first */
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

  /** How many calls of an operation came to an outcome; of all outcomes if none is named. Not bounded by what is kept. */
  count(operation: string, outcome?: string): number {
    if (outcome !== undefined) return this.#counts.get(`${operation} ${outcome}`) ?? 0
    let sum = 0
    for (const [key, count] of this.#counts) if (key.startsWith(`${operation} `)) sum += count
    return sum
  }

  /** Returns the function that says what the call came to. */
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
