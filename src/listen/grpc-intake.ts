import type { ServerHttp2Stream } from 'node:http2'
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js'
import type { ByteBudget } from '../component/byte-budget.ts'
import type { Deadlines, Receiving } from './deadlines.ts'
import { decompress, type DecompressFailure, type Encoding } from './decompress.ts'
import { Holding, hasRoomFor } from './holding.ts'

// grpc-js reads a whole message, and undoes its compression, before anybody is asked: with 64 MiB messages and 250 streams
// a connection that is 16 GiB each. This interceptor counts bytes against the budget as they arrive, refuses a call when
// they are too many, and does the decompression itself, within the same bounds as HTTP.

export type IntakeFailure = DecompressFailure | 'unsupported_encoding' | 'timeout'

export interface IntakeOptions {
  readonly budget: ByteBudget
  /** Most bytes of a message, before and after decompression. */
  readonly limitBytes: number
  readonly deadlines: Deadlines
  /** Counts the failure and puts it in words. @param encoding of the message, for `unsupported_encoding` */
  refuse(failure: IntakeFailure, encoding: string): StatusObject
}

/** What a handler gets as its request. */
export interface ReceivedMessage {
  readonly bytes: Uint8Array
  /** Gives the bytes back to the budget; to be called as soon as they are not needed any more. */
  release(): void
}

/**
 * What grpc-js 1.14 has and does not show: the stream, to see bytes as they come, and the coding it would undo. Its version
 * is pinned, and a contract test notices if these go.
 */
interface HiddenParts {
  readonly stream: ServerHttp2Stream
  incomingEncoding: string
}

/** Before each message: a compression flag and its length in four bytes. */
const PREFIX_BYTES = 5
const GRPC_ENCODINGS: ReadonlySet<string> = new Set<Encoding>(['gzip', 'deflate'])

export function createIntake(options: IntakeOptions): ServerInterceptor {
  // Of late, so that a call can be refused before its size is known.
  const recent = { averageBytes: 0 }
  return (_, call) => {
    if (!hasRoomFor(options.budget, recent.averageBytes)) {
      // A call that is never started is never read.
      return new ServerInterceptingCall(call, { start: () => call.sendStatus(options.refuse('budget_full', '')) })
    }
    const intake = new Intake(call, options, recent)
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, next) => next(metadata),
          onReceiveMessage: (message: Buffer, next) => intake.message(message, next),
          onReceiveHalfClose: (next) => next(),
          onCancel: () => {},
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
    hidden.incomingEncoding = 'identity'
    hidden.stream.on('data', (chunk: Buffer) => this.#arrived(chunk))
    hidden.stream.once('close', () => this.#close())
    options.deadlines.add(this)
  }

  expire(): void {
    this.#refuse('timeout')
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

  #hand(bytes: Uint8Array, next: (received: ReceivedMessage) => void): void {
    this.bytes = bytes
    this.#recent.averageBytes += (bytes.length - this.#recent.averageBytes) / 16
    next(this)
  }

  #arrived(chunk: Buffer): void {
    if (this.#refused) return
    if (this.#received === 0) {
      this.#compressed = chunk[0] === 1
      if (this.#compressed && !GRPC_ENCODINGS.has(this.#encoding)) return this.#refuse('unsupported_encoding')
    }
    this.#received += chunk.length
    if (this.#received > this.#options.limitBytes + PREFIX_BYTES) this.#refuse('too_large')
    else if (!this.#holding.take(chunk.length)) this.#refuse('budget_full')
  }

  #refuse(failure: IntakeFailure): void {
    if (this.#refused) return
    this.#refused = true
    this.#options.deadlines.delete(this)
    this.#holding.release()
    this.#call.sendStatus(this.#options.refuse(failure, this.#encoding))
  }

  #close(): void {
    this.#closed = true
    this.#options.deadlines.delete(this)
    if (!this.#decompressing) this.#holding.release()
  }
}
