const EXPECTED =
  'this is /v1/logs of OTLP/JSON and expects {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"…"}}]}]}]}'

/** Other signals by the top-level field of their requests. */
const OTHER_SIGNALS: ReadonlyMap<string, string> = new Map([
  ['resourceSpans', 'traces'],
  ['resource_spans', 'traces'],
  ['resourceMetrics', 'metrics'],
  ['resource_metrics', 'metrics'],
  ['resourceProfiles', 'profiles'],
  ['resource_profiles', 'profiles'],
])

export interface UnknownField {
  readonly name: string
  /** Path of the object that has the field. */
  readonly path: string
}

/**
 * Tracks content of a JSON request that is not OTLP logs. Unknown fields are not an error (OTLP 1.11), so `{"message":"…"}` is
 * a valid request without a record; its sender gets a warning, as it would not notice otherwise.
 */
export class NotUnderstood {
  #records = 0
  #emptyRecords = 0
  /** The first unknown field of the request, and that of a record without known fields. */
  #first: UnknownField | undefined
  #ofRecord: UnknownField | undefined

  /** Returns whether the warning needs an unknown field; most are not needed, and no string is created for them. */
  wants(firstOfRecord: boolean): boolean {
    return this.#first === undefined || (firstOfRecord && this.#emptyRecords === 0)
  }

  unknown(field: UnknownField, firstOfRecord: boolean): void {
    this.#first ??= field
    if (firstOfRecord) this.#ofRecord = field
  }

  /** @param understood false if it has fields, but none of a LogRecord */
  record(understood: boolean): void {
    this.#records++
    if (!understood) this.#emptyRecords++
  }

  /** Empty if there is nothing to warn about. */
  warning(): string {
    if (this.#records === 0) return this.#first === undefined ? '' : noRecords(this.#first)
    if (this.#emptyRecords === 0 || this.#ofRecord === undefined) return ''
    const field = named(this.#ofRecord)
    return `${this.#emptyRecords} of ${this.#records} log records are empty: ${field} is not a field of a log record; ${EXPECTED}`
  }
}

function noRecords(first: UnknownField): string {
  const signal = first.path === '$' ? OTHER_SIGNALS.get(first.name) : undefined
  const reason = signal === undefined ? `${named(first)} is not a field of it` : `"${first.name}" holds ${signal}`
  return `no log records were found: ${reason}; ${EXPECTED}`
}

function named({ name, path }: UnknownField): string {
  return `${JSON.stringify(name)} at ${path}`
}
