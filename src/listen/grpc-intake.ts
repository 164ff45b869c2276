import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js'
import type { ByteBudget } from '../component/byte-budget.ts'
import type { Deadlines, Receiving } from './deadlines.ts'
import { decompress, type DecompressFailure, type Encoding } from './decompress.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { Holding, hasRoomFor } from './holding.ts'

// grpc-js reads a whole message, and undoes its compression, before anybody is asked: with 64 MiB messages and 250 streams
// a connection that is 16 GiB each. This interceptor puts its own decoder in: it counts bytes against the budget as they
// arrive, refuses a call when they are too many, and leaves the compression to `decompress`, within the bounds of HTTP.

export type IntakeFailure = DecompressFailure | 'unsupported_encoding' | 'timeout'

/** A call that is refused, for the log and the counters. */
export interface RefusedCall {
  readonly encoding: string
  /** `address:port` of the sender. */
  readonly peer: string
  /** Bytes that had arrived. */
  readonly bytes: number
}

export interface IntakeOptions {
  readonly budget: ByteBudget
  /** Most bytes of a message, before and after decompression. */
  readonly limitBytes: number
  readonly deadlines: Deadlines
  /** Counts the failure and puts it in words. */
  refuse(failure: IntakeFailure, call: RefusedCall): StatusObject
}

/** What a handler gets as its request. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array
  /** Gives the bytes back; to be called as soon as they are not needed any more. */
  release(): void
}

/**
 * What a call of grpc-js 1.14 has and does not show: what makes messages of the bytes of its stream, and the coding that
 * was announced. The version is pinned, and the receiver's tests notice if these go.
 */
interface HiddenParts {
  decoder: { write(chunk: Buffer): Buffer[] }
  readonly incomingEncoding: string
}

/** Before each message: whether it is compressed, in one byte, and its length in four. */
const PREFIX_BYTES = 5
const GRPC_ENCODINGS: ReadonlySet<string> = new Set<Encoding>(['gzip', 'deflate'])

export function createIntake(options: IntakeOptions): ServerInterceptor {
  // Of late, so that a call can be refused before its size is known.
  const recent = { averageBytes: 0 }
  return (_, call) => {
    if (!hasRoomFor(options.budget, recent.averageBytes)) {
      // A call that is never started is never read.
      const refused = { encoding: '', peer: call.getPeer(), bytes: 0 }
      return new ServerInterceptingCall(call, { start: () => call.sendStatus(options.refuse('budget_full', refused)) })
    }
    const intake = new Intake(call, options, recent)
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, next) => next(metadata),
          onReceiveMessage: (message: Buffer, next) => intake.message(message, next),
          onReceiveHalfClose: (next) => next(),
          // However a call ends, this comes last.
          onCancel: () => intake.close(),
        }),
    })
  }
}

class Intake implements Receiving, ReceivedMessage {
  readonly #call: ServerInterceptingCallInterface
  readonly #options: IntakeOptions
  readonly #recent: { averageBytes: number }
  readonly #holding: Holding
  readonly #encoding: string
  /** The message that is arriving, its prefix included. */
  #frame: GrowingBytes | undefined
  #frameBytes = 0
  /** A prefix that arrived in parts. */
  #prefix: Buffer = Buffer.alloc(0)
  #received = 0
  #compressed = false
  #refused = false
  #closed = false
  #decompressing = false
  bytes: Uint8Array = new Uint8Array(0)

  constructor(call: ServerInterceptingCallInterface, options: IntakeOptions, recent: { averageBytes: number }) {
    this.#call = call
    this.#options = options
    this.#recent = recent
    this.#holding = new Holding(options.budget)
    const hidden = call as unknown as HiddenParts
    this.#encoding = hidden.incomingEncoding
    hidden.decoder = this
    options.deadlines.add(this)
  }

  expire(): void {
    this.#refuse('timeout')
  }

  /** Bytes of the stream. Returns the messages they complete, as grpc-js's own decoder does: with their prefix. */
  write(chunk: Buffer): Buffer[] {
    this.#received += chunk.length
    if (this.#refused) return []
    if (this.#received > this.#options.limitBytes + PREFIX_BYTES) this.#refuse('too_large')
    else if (!this.#holding.take(chunk.length)) this.#refuse('budget_full')
    const messages: Buffer[] = []
    let rest = chunk
    while (rest.length > 0 && !this.#refused) rest = this.#read(rest, messages)
    return this.#refused ? [] : messages
  }

  message(message: Buffer, next: (received: ReceivedMessage) => void): void {
    if (this.#refused) return
    if (!this.#compressed) return this.#hand(message, next)
    this.#decompressing = true
    const limit = this.#options.limitBytes
    decompress(this.#encoding as Encoding, message, limit, this.#holding, (bytes, failure) => {
      this.#decompressing = false
      if (this.#closed) this.#holding.release()
      else if (bytes === undefined) this.#refuse(failure ?? 'corrupt')
      else this.#hand(bytes, next)
    })
  }

  release(): void {
    this.bytes = new Uint8Array(0)
    this.#holding.release()
    this.#options.deadlines.delete(this)
  }

  close(): void {
    this.#closed = true
    this.#options.deadlines.delete(this)
    if (!this.#decompressing) this.#holding.release()
  }

  /** Reads a prefix, or a part of the message behind it. Returns what is left. */
  #read(chunk: Buffer, messages: Buffer[]): Buffer {
    if (this.#frame === undefined) {
      const head = this.#prefix.length === 0 ? chunk : Buffer.concat([this.#prefix, chunk])
      if (head.length < PREFIX_BYTES) {
        this.#prefix = Buffer.from(head)
        return NOTHING
      }
      this.#prefix = NOTHING
      this.#begin(head)
      return head
    }
    const part = chunk.subarray(0, this.#frameBytes - this.#frame.length)
    this.#frame.append(part)
    if (this.#frame.length === this.#frameBytes) {
      messages.push(this.#frame.view())
      this.#frame = undefined
    }
    return chunk.subarray(part.length)
  }

  /** Looks at the prefix of a message. */
  #begin(head: Buffer): void {
    const compressed = head[0] === 1
    if (compressed && !GRPC_ENCODINGS.has(this.#encoding)) return this.#refuse('unsupported_encoding')
    const length = head.readUInt32BE(1)
    if (length > this.#options.limitBytes) return this.#refuse('too_large')
    this.#compressed = compressed
    // So grpc-js takes the message for one that is not compressed, and does nothing to it.
    head[0] = 0
    this.#frameBytes = PREFIX_BYTES + length
    this.#frame = new GrowingBytes(this.#frameBytes, this.#holding)
  }

  #hand(bytes: Uint8Array, next: (received: ReceivedMessage) => void): void {
    this.bytes = bytes
    this.#recent.averageBytes += (bytes.length - this.#recent.averageBytes) / 16
    next(this)
  }

  #refuse(failure: IntakeFailure): void {
    if (this.#refused) return
    this.#refused = true
    this.#options.deadlines.delete(this)
    this.#holding.release()
    const refused = { encoding: this.#encoding, peer: this.#call.getPeer(), bytes: this.#received }
    this.#call.sendStatus(this.#options.refuse(failure, refused))
  }
}

const NOTHING = Buffer.alloc(0)
