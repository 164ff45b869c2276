// OTLP/gRPC on Node's HTTP/2, without a gRPC client on top: what it would take would be missing from the target.

import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import type { Send, SendOptions, SendOutcome } from './send.ts'

const PATH = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const OK = '0'
/** RESOURCE_EXHAUSTED and UNAVAILABLE: to be sent again. */
const LATER = ['8', '14']

export function connectGrpc({ port, gzip }: SendOptions): Send {
  let session: ClientHttp2Session | undefined
  const headers = {
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(gzip ? { 'grpc-encoding': 'gzip' } : {}),
  }

  const open = (): ClientHttp2Session => {
    const opened = connect(`http://127.0.0.1:${port}`)
    // Its stream reports the requests in flight.
    opened.on('error', () => opened.destroy())
    return opened
  }

  return (body) =>
    new Promise((resolve, reject) => {
      if (session === undefined || session.closed || session.destroyed) session = open()
      const stream = session.request(headers)
      let status: string | undefined
      let text = ''
      // The status comes in trailers, or in the headers of an answer that has nothing else.
      const read = (fields: IncomingHttpHeaders) => {
        status ??= fields['grpc-status']?.toString()
        text ||= fields['grpc-message']?.toString() ?? ''
      }
      stream.on('response', read)
      stream.on('trailers', read)
      stream.on('error', () => stream.close(constants.NGHTTP2_CANCEL))
      stream.on('close', () => {
        const outcome = outcomeOf(status)
        if (outcome === undefined) reject(new Error(`gRPC status ${status}: ${text}`))
        else resolve(outcome)
      })
      stream.resume()
      const prefix = Buffer.alloc(5)
      prefix[0] = gzip ? 1 : 0
      prefix.writeUInt32BE(body.length, 1)
      stream.write(prefix)
      stream.end(body)
    })
}

function outcomeOf(status: string | undefined): SendOutcome | undefined {
  if (status === undefined) return 'unknown'
  if (status === OK) return 'taken'
  return LATER.includes(status) ? 'refused' : undefined
}
