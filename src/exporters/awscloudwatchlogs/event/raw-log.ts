// Hot path; bench: test/bench/transcode.ts
//
// `raw_log`: the event is the record's body and nothing else, text as it is, anything with parts as JSON.

import type { JsonText } from '../../../wire/json-text.ts'
import type { AnyValueWriter } from './any-value.ts'
import type { LogRecordFields } from './log-record.ts'

export class RawLog {
  readonly #values: AnyValueWriter

  constructor(values: AnyValueWriter) {
    this.#values = values
  }

  /** Writes nothing for a record without a body; PutLogEvents takes no empty message, so the caller has to look. */
  write(text: JsonText, record: LogRecordFields): void {
    if (record.bodyFrom < 0) return
    this.#values.bare(text, record.bodyFrom, record.bodyTo)
  }
}
