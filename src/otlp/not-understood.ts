const EXPECTED =
  'this is /v1/logs of OTLP/JSON and expects {"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"…"}}]}]}]}'

/** Requests of other signals, by the field that holds all they have. */
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
  /** The object that has it. */
  readonly path: string
}

/**
 * What a JSON request holds that is not OTLP logs. Unknown fields are no error (OTLP 1.11), so `{"message":"…"}` is a valid
 * request without a record; its sender is warned all the same, or it would never find out.
 */
export class NotUnderstood {
  #records = 0
  #emptyRecords = 0
  /** The first unknown field of the request, and the first one of a record that has no other. */
  #first: UnknownField | undefined
  #ofRecord: UnknownField | undefined

  /** Whether an unknown field is of use for the warning; most are not, and nothing is made of them. */
  wants(firstOfRecord: boolean): boolean {
    return this.#first === undefined || (firstOfRecord && this.#emptyRecords === 0)
  }

  unknown(field: UnknownField, firstOfRecord: boolean): void {
    this.#first ??= field
    if (firstOfRecord) this.#ofRecord = field
  }

  /** @param understood false if it has fields, and none of them is one of a LogRecord */
  record(understood: boolean): void {
    this.#records++
    if (!understood) this.#emptyRecords++
  }

  /** Empty if there is nothing to warn about. */
  warning(): string {
    if (this.#records === 0) return this.#first === undefined ? '' : noRecords(this.#first)
    if (this.#emptyRecords === 0 || this.#ofRecord === undefined) return ''
    const field = named(this.#ofRecord)
    return `${this.#emptyRecords} of ${this.#records} log records are empty: ${field} is no field of one; ${EXPECTED}`
  }
}

function noRecords(first: UnknownField): string {
  const signal = first.path === '$' ? OTHER_SIGNALS.get(first.name) : undefined
  const reason = signal === undefined ? `${named(first)} is no field of it` : `"${first.name}" holds ${signal}`
  return `no log records were found: ${reason}; ${EXPECTED}`
}

function named({ name, path }: UnknownField): string {
  return `${JSON.stringify(name)} at ${path}`
}
