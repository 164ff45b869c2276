import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2'
import { onTestFinished } from 'vitest'

// gRPC by hand over HTTP/2, for what no client library would send.

export const EXPORT = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'

export function connectTo(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  onTestFinished(() => session.destroy())
  return session
}

export function openCall(session: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': EXPORT,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  })
  stream.on('error', () => {})
  return stream
}

/** A message with its prefix. */
export function framed(message: Uint8Array, compressed = 0, announced = message.length): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = compressed
  prefix.writeUInt32BE(announced, 1)
  return Buffer.concat([prefix, message])
}

/** The status a call ends with, wherever it stands: in trailers, or in headers if there was no message. */
export function ended(stream: ClientHttp2Stream): Promise<{ code: number; message: string; details: Buffer }> {
  return new Promise((resolve) => {
    const look = (headers: IncomingHttpHeaders) => {
      const code = headers['grpc-status']
      if (code === undefined) return
      resolve({
        code: Number(code),
        message: decodeURI(String(headers['grpc-message'])),
        details: Buffer.from(String(headers['grpc-status-details-bin'] ?? ''), 'base64'),
      })
    }
    stream.on('response', look)
    stream.on('trailers', look)
    stream.resume()
  })
}
