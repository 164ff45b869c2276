import { ProtobufWriter } from '../../wire/protobuf-writer.ts'
import type { ReceivedBody } from './http-bodies.ts'

/** A buffer for mapped JSON that grew past this is released. */
const KEPT_BYTES = 4 * 1024 * 1024
/** JSON up to this size is mapped and passed on in one turn of the event loop: some 10 ms. */
const AT_ONCE_BYTES = 1024 * 1024

/** Maps JSON bodies to protobuf, and holds the memory of both while they are passed on. */
export class MappedJson {
  /** Shared by all requests: nothing is awaited between the mapping and the end of `pass`. */
  readonly #writer = new ProtobufWriter()

  /**
   * @param maxBytes maximum bytes of the mapped request
   * @param map maps the body into the writer; undefined: it refused the body
   * @param pass gets the mapped request, which is valid until it returns
   * @returns Returns false, and releases the body, if there is no memory for the mapped request
   */
  run<Mapped>(
    { bytes: body, holding, learn }: ReceivedBody,
    maxBytes: number,
    map: (writer: ProtobufWriter) => Mapped | undefined,
    pass: (bytes: Uint8Array, mapped: Mapped) => void,
  ): boolean {
    if (!holding.take(maxBytes)) {
      holding.release()
      return false
    }
    // A large request gets its own buffer, so that others can run between its mapping and the passing on.
    const writer = body.length <= AT_ONCE_BYTES ? this.#writer : new ProtobufWriter(maxBytes)
    let mapped: Mapped | undefined
    try {
      mapped = map(writer)
    } catch (error) {
      holding.release()
      throw error
    }
    if (mapped === undefined) {
      holding.release()
      return true
    }
    const known = mapped
    const passOn = () => {
      const bytes = writer.view()
      learn(bytes.length)
      pass(bytes, known)
      writer.reset(KEPT_BYTES)
      holding.release()
    }
    if (writer === this.#writer) passOn()
    else setImmediate(passOn)
    return true
  }
}
