import type { Socket } from 'node:net'

/** Protocols that can be recognized by a sender's first bytes. */
export type Protocol = 'tls' | 'http1' | 'http2'

const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n')
/** A handshake record of TLS 1.x. */
const TLS_HANDSHAKE = 0x16
const FIRST_METHOD_BYTE = 0x41 // A
const LAST_METHOD_BYTE = 0x5a // Z

/** @returns undefined for any other protocol; `maybe_http2` while there are too few bytes to decide */
export function protocolOf(bytes: Uint8Array): Protocol | 'maybe_http2' | undefined {
  const first = bytes[0]
  if (first === undefined) return 'maybe_http2'
  if (first === TLS_HANDSHAKE) return 'tls'
  const length = Math.min(bytes.length, HTTP2_PREFACE.length)
  if (HTTP2_PREFACE.compare(bytes, 0, length, 0, length) === 0)
    return length === HTTP2_PREFACE.length ? 'http2' : 'maybe_http2'
  return first >= FIRST_METHOD_BYTE && first <= LAST_METHOD_BYTE ? 'http1' : undefined
}

/** Reads until the protocol is known, and puts the bytes back for its handler. */
export function firstProtocol(socket: Socket, known: (protocol: Protocol | undefined) => void): void {
  let bytes = Buffer.alloc(0)
  const read = () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return
    bytes = Buffer.concat([bytes, chunk])
    const protocol = protocolOf(bytes)
    if (protocol === 'maybe_http2') return
    socket.off('readable', read)
    socket.unshift(bytes)
    known(protocol)
  }
  socket.on('readable', read)
}
