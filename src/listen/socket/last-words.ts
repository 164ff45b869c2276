import type { Socket } from 'node:net'

/** ms a sender has to read why its connection is closed. A socket closed on unread bytes is reset, and the answer with it. */
const LINGER_MS = 1_000

/** The most text of a sender that is repeated to it and in the log. */
const MAX_QUOTED = 100

/** Answers on the bare socket, discards what still comes, and closes it. */
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

/** A whole HTTP/1.1 answer that closes the connection, with a google.rpc.Status in JSON as its body. */
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

/** An HTTP/2 server's first and last frames: its (empty) settings, and GOAWAY with a text, which gRPC clients repeat. */
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

/** A sender's own text in quotes, cut and escaped. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)
}
