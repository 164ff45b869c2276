// Hot path; bench: test/bench/transcode.ts
//
// Finds the few bodies that may be documents of the embedded metric format, before they are written to be checked.

import type { ProtobufReader } from '../../../../wire/protobuf-reader.ts'
import { BodyRange, firstByte, KVLIST_VALUE, STRING_VALUE } from '../body-range.ts'
import type { LogRecordFields } from '../log-record.ts'
import { type Emf, EmfCheck } from './emf.ts'

const OPEN_OBJECT = 0x7b
/** In a string of JSON and in the bytes of a map alike. A key written with escapes is not looked for. */
const METADATA_KEY = Buffer.from('_aws')

export class EmfBody {
  readonly #reader: ProtobufReader
  readonly #body = new BodyRange()
  readonly #check = new EmfCheck()

  constructor(reader: ProtobufReader) {
    this.#reader = reader
  }

  /** Whether the record's body is a map, or a string that begins like one, and contains `_aws`. */
  mayBe(record: LogRecordFields): boolean {
    const { bytes } = this.#reader
    const body = this.#body
    body.read(this.#reader, record.bodyFrom, record.bodyTo)
    const { kind, from, to } = body
    const isMap = kind === KVLIST_VALUE || (kind === STRING_VALUE && firstByte(bytes, from, to) === OPEN_OBJECT)
    return isMap && Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).includes(METADATA_KEY)
  }

  /** @param line the body as it would be the whole message */
  check(line: Uint8Array): Emf {
    return this.#check.check(line)
  }
}
