// HTTP/2 by the byte, for senders that keep to none of its rules (RFC 9113, RFC 7541).
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { onTestFinished } from 'vitest'
import { EXPORT } from '../../unit/receivers/otlp/grpc/raw-grpc.ts'

export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const CONTINUATION = 9

export const END_STREAM = 1
export const END_HEADERS = 4

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.alloc(9 + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  bytes.set(payload, 9)
  return bytes
}

/** One setting, by its number. */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt32BE(value, 2)
  return bytes
}

/** SETTINGS_INITIAL_WINDOW_SIZE */
export const INITIAL_WINDOW = 4

/** A header that is spelled out; one that is `indexed` is kept in the table, and is the byte 0xbe until the next one. */
export function field(name: string, value: string, indexed = false): Buffer {
  return Buffer.concat([Buffer.from([indexed ? 0x40 : 0]), text(name), text(value)])
}

export const NEWEST_FIELD = 0xbe

/** The head of a gRPC call. */
export const CALL_HEAD = Buffer.concat([
  field(':method', 'POST'),
  field(':scheme', 'http'),
  field(':path', EXPORT),
  field(':authority', 'a'),
  field('content-type', 'application/grpc'),
  field('te', 'trailers'),
])

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest >>>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** A connection after its preface, on which a test writes any frames. */
export class RawHttp2 {
  readonly socket: Socket
  readonly #received: Buffer[] = []
  readonly closed: Promise<void>

  /** @param ca of the server, where it speaks TLS */
  static async open(port: number, { ca, settings }: { ca?: Buffer; settings?: Buffer } = {}): Promise<RawHttp2> {
    const to = { host: '127.0.0.1', port }
    const socket = ca === undefined ? connect(to) : connectTls({ ...to, ca, ALPNProtocols: ['h2'] })
    const raw = new RawHttp2(socket)
    await once(socket, ca === undefined ? 'connect' : 'secureConnect')
    socket.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0, settings)]))
    return raw
  }

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => this.#received.push(chunk))
    onTestFinished(() => void socket.destroy())
  }

  /** Frames that came, by type. */
  count(type: number): number {
    const bytes = Buffer.concat(this.#received)
    let count = 0
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) if (bytes[at + 3] === type) count++
    return count
  }

  /** Writes `bytes` `times` times, as fast as the other side takes them, unless it hangs up. */
  async flood(bytes: Buffer, times: number): Promise<void> {
    for (let i = 0; i < times && !this.socket.destroyed; i++) {
      if (!this.socket.write(bytes)) await Promise.race([once(this.socket, 'drain'), this.closed]).catch(() => {})
    }
  }
}
