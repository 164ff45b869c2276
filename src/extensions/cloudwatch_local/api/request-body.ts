import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { serialization, ServiceError } from '../answer/service-error.ts'

/**
 * Maximum bytes of a body, compressed and decompressed. A legal put is 1 MiB of messages, each character at most six bytes of
 * JSON (`\u0000`), plus 10,000 times the names of the members.
 */
const MAX_BODY_BYTES = 8 * 1024 * 1024

const inflate = promisify(gunzip)

/**
 * Reads a whole body, decompresses gzip, and parses the JSON.
 * @throws ServiceError RequestEntityTooLargeException, SerializationException
 */
export async function readBody(
  request: IncomingMessage,
): Promise<{ readonly json: unknown; readonly wireBytes: number }> {
  const { bytes, wire } = await readBytes(request)
  if (bytes.length === 0) return { json: {}, wireBytes: wire.length }
  if (!isUtf8(bytes)) throw serialization('The body is not UTF-8.')
  try {
    return { json: JSON.parse(bytes.toString()), wireBytes: wire.length }
  } catch (cause) {
    throw serialization(`The body is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/**
 * Reads a whole form, as the query protocol of STS sends it.
 * @throws ServiceError RequestEntityTooLargeException
 */
export async function readForm(
  request: IncomingMessage,
): Promise<{ readonly form: URLSearchParams; readonly wireBytes: number }> {
  const { bytes, wire } = await readBytes(request)
  return { form: new URLSearchParams(bytes.toString()), wireBytes: wire.length }
}

async function readBytes(request: IncomingMessage): Promise<{ readonly bytes: Buffer; readonly wire: Buffer }> {
  const wire = await collect(request)
  return { bytes: await decode(wire, request.headers['content-encoding']), wire }
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
}

async function decode(wire: Buffer, encoding: string | undefined): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity') return wire
  if (encoding !== 'gzip') throw serialization(`Content-Encoding '${encoding}' is not supported: send gzip or none.`)
  try {
    return await inflate(wire, { maxOutputLength: MAX_BODY_BYTES })
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge()
    throw serialization(`The body is not gzip: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

function tooLarge(): ServiceError {
  return new ServiceError('RequestEntityTooLargeException', `The body is over ${MAX_BODY_BYTES} bytes.`, 413)
}
