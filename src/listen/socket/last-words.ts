import type { Socket } from 'node:net'

/** ms for a sender to read why its connection closes. A socket closed on unread bytes is reset, and the response is lost. */
const LINGER_MS = 1_000

/** Maximum characters of a sender's text to repeat in responses and the log. */
const MAX_QUOTED = 100

/** Answers on the bare socket, discards further input, and closes it. */
export function lastWords(socket: Socket, answer: Uint8Array): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
  socket.end(answer)
}

/** A complete HTTP/1.1 response that closes the connection, with a google.rpc.Status in JSON as its body. */
export function http1Answer(status: string, code: number, message: string, headers = ''): Buffer {
  const body = JSON.stringify({ code, message })
  const length = Buffer.byteLength(body)
  return Buffer.from(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${headers}\r\n${body}`,
  )
}

const SETTINGS = 4
const GOAWAY = 7
/** RFC 9113, section 7. */
export const HTTP2_CODES = { ENHANCE_YOUR_CALM: 0xb, HTTP_1_1_REQUIRED: 0xd } as const

/** An HTTP/2 server's first and last frames: its (empty) settings, and GOAWAY with a message, which gRPC clients repeat. */
export function http2Goaway(code: number, message: string): Buffer {
  const text = Buffer.from(message)
  const payload = Buffer.alloc(8)
  payload.writeUInt32BE(code, 4)
  return Buffer.concat([frameHead(SETTINGS, 0), frameHead(GOAWAY, payload.length + text.length), payload, text])
}

function frameHead(type: number, length: number): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  return head
}

/** A sender's text in quotes, truncated and escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)
}
