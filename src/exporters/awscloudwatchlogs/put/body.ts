// Hot path; bench: test/bench/transcode.ts
//
// Assembles the body of a PutLogEvents from serialized events:
//
//   {"logGroupName":"…","logStreamName":"…","logEvents":[  item  item  item ]}
//                                                          each item ends with a comma; the last comma becomes the bracket

import { copyPack, type Pack } from '../../../delivery/contract/pack.ts'
import type { Destination } from '../route/destination.ts'

const TAIL = Buffer.from(']}')

/** Size of the pooled buffers; a body is at most a little over 1 MiB, unless its events are all escapes. */
const KEPT_BUFFER_BYTES = 2 * 1_048_576

export class BodyPool {
  readonly #free: Buffer[] = []
  readonly #maxBuffers: number

  /** @param maxBuffers maximum buffers kept, one per concurrent put */
  constructor(maxBuffers: number) {
    this.#maxBuffers = maxBuffers
  }

  /** @param entity JSON of the request's member */
  build(destination: Destination, pack: Pack, sequenceToken: string | undefined, entity: string | undefined): Body {
    const head = Buffer.from(
      `{"logGroupName":${JSON.stringify(destination.group)},"logStreamName":${JSON.stringify(destination.stream)},` +
        (entity === undefined ? '' : `"entity":${entity},`) +
        `${sequenceToken === undefined ? '' : `"sequenceToken":${JSON.stringify(sequenceToken)},`}"logEvents":[`,
    )
    const size = head.length + pack.byteLength + TAIL.length
    const buffer =
      size > KEPT_BUFFER_BYTES
        ? Buffer.allocUnsafeSlow(size)
        : (this.#free.pop() ?? Buffer.allocUnsafeSlow(KEPT_BUFFER_BYTES))
    head.copy(buffer)
    const end = copyPack(pack, buffer, head.length) - 1
    TAIL.copy(buffer, end)
    return { buffer, bytes: buffer.subarray(0, end + TAIL.length) }
  }

  /** Returns a buffer to the pool. Never after a failed call: its bytes may still be in use by a socket. */
  giveBack(body: Body): void {
    if (body.buffer.length === KEPT_BUFFER_BYTES && this.#free.length < this.#maxBuffers) this.#free.push(body.buffer)
  }
}

export interface Body {
  readonly buffer: Buffer
  readonly bytes: Buffer
}
