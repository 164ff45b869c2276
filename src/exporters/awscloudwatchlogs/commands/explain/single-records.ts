import { ProtobufReader } from '../../../../wire/protobuf-reader.ts'
import { ProtobufWriter } from '../../../../wire/protobuf-writer.ts'

// Fields of ResourceLogs and ScopeLogs in logs.proto: both keep their owner and their children in these.
const OWNER = 1
const CHILDREN = 2

interface Part {
  readonly from: number
  readonly to: number
}

/**
 * Yields each record of a checked request as a request of its own, with its resource and scope, so that the pipeline decides
 * about it alone. Each is valid until the next.
 */
export function* singleRecords(request: Uint8Array): Generator<Uint8Array> {
  const writer = new ProtobufWriter()
  for (const resourceLogs of fieldsOf(request, { from: 0, to: request.length }, OWNER)) {
    const resource = ownerOf(request, resourceLogs)
    for (const scopeLogs of fieldsOf(request, resourceLogs, CHILDREN)) {
      const scope = ownerOf(request, scopeLogs)
      for (const record of fieldsOf(request, scopeLogs, CHILDREN)) {
        writer.reset()
        const outer = writer.begin(OWNER)
        if (resource !== undefined) writer.slice(OWNER, request, resource.from, resource.to)
        const inner = writer.begin(CHILDREN)
        if (scope !== undefined) writer.slice(OWNER, request, scope.from, scope.to)
        writer.slice(CHILDREN, request, record.from, record.to)
        writer.end(inner)
        writer.end(outer)
        yield writer.view()
      }
    }
  }
}

/** Yields the places of all values of one field; a request may have millions, so no list is made of them. */
function* fieldsOf(bytes: Uint8Array, { from, to }: Part, field: number): Generator<Part> {
  const reader = new ProtobufReader()
  reader.reset(bytes)
  reader.pos = from
  reader.end = to
  while (reader.pos < to) {
    const tag = reader.tag()
    if (tag >>> 3 !== field) {
      reader.skip(tag)
      continue
    }
    const length = reader.length()
    const start = reader.pos
    reader.pos += length
    yield { from: start, to: start + length }
  }
}

/** The owner that counts: protobuf takes the last value of a field. */
function ownerOf(bytes: Uint8Array, part: Part): Part | undefined {
  let last: Part | undefined
  for (const owner of fieldsOf(bytes, part, OWNER)) last = owner
  return last
}
