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

  /**
   * The destination a JSON body names: `_aws.LogGroupName` (embedded metric format), else `log_group_name`, each with its
   * stream. Only asked with `route_from_body`, because then whoever writes a log line chooses where it goes.
   */
  destination(message: string): { readonly group: string; readonly stream: string | undefined } | undefined {
    if (!message.startsWith('{')) return undefined
    let body: unknown
    try {
      body = JSON.parse(message)
    } catch {
      // A line that only looks like JSON names nothing.
      return undefined
    }
    const fields = body as Readonly<Record<string, unknown>>
    const aws = fields['_aws']
    if (typeof aws === 'object' && aws !== null) {
      const names = aws as Readonly<Record<string, unknown>>
      const group = names['LogGroupName']
      if (typeof group === 'string' && group !== '') return { group, stream: text(names['LogStreamName']) }
    }
    const group = fields['log_group_name']
    return typeof group === 'string' && group !== '' ? { group, stream: text(fields['log_stream_name']) } : undefined
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
