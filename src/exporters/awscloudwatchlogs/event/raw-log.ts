// Hot path; bench: test/bench/transcode.ts
//
// `raw_log`: the event is only the record's body, a string as it is, a map or list as JSON.

import { fragment, type JsonText } from '../../../wire/json-text.ts'
import type { AnyValueWriter } from './any-value.ts'
import type { LogRecordFields } from './log-record.ts'

const BODY = fragment('{"body":')
const CLOSE = fragment('}')

export class RawLog {
  readonly #values: AnyValueWriter

  constructor(values: AnyValueWriter) {
    this.#values = values
  }

  /** Writes nothing for a record without a body. The caller must check, since PutLogEvents accepts no empty message. */
  write(text: JsonText, record: LogRecordFields): void {
    if (record.bodyFrom < 0) return
    this.#values.bare(text, record.bodyFrom, record.bodyTo)
  }

  /** Writes the body as the only member of an object, so that CloudWatch does not read it as a document. */
  wrapped(text: JsonText, record: LogRecordFields): void {
    text.fragment(BODY)
    this.#values.value(text, record.bodyFrom, record.bodyTo)
    text.fragment(CLOSE)
  }
}
