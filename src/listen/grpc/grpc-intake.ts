import { constants, type ServerHttp2Stream } from 'node:http2'
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js'
import type { ByteBudget } from '../../component/byte-budget.ts'
import type { Deadlines, Receiving } from '../deadlines.ts'
import { decompress } from '../compression/decompress.ts'
import type { DecompressFailure, Encoding } from '../compression/encodings.ts'
import { GrowingBytes } from '../memory/growing-bytes.ts'
import { Holding, hasRoomFor } from '../memory/holding.ts'
import type { Size } from '../size-guess.ts'

// grpc-js reads and decompresses a whole message before it calls a handler: with 64 MiB messages and 250 streams, that is
// 16 GiB a connection. This interceptor installs its own decoder, which charges bytes to the budget as they arrive, refuses
// a call that has too many, and decompresses with `decompress`, within the same bounds as HTTP.

/** `incomplete`: the call ended before its message did. `bad_flag`: compressed without an encoding, or an unknown flag. */
export type IntakeFailure =
  | DecompressFailure
  | 'unsupported_encoding'
  | 'timeout'
  | 'incomplete'
  | 'bad_flag'
  | 'second_message'

/** A refused call, for the log and the counters. */
export interface RefusedCall {
  readonly encoding: string
  /** `address:port` of the sender. */
  readonly peer: string
  /** Bytes received so far. */
  readonly bytes: number
}

export interface IntakeOptions {
  readonly budget: ByteBudget
  /** Maximum bytes of a message, before and after decompression. */
  readonly limitBytes: number
  readonly deadlines: Deadlines
  /** Counts the failure and returns its status. */
  refuse(failure: IntakeFailure, call: RefusedCall): StatusObject
  /**
   * Counts a call that would be refused anyway and returns its status; undefined if it may be accepted. Called when a call
   * begins, with 0 `call.bytes`, and again when the length of its message is known.
   * @param compressed whether the message is compressed with the call's encoding
   */
  refuseEarly(call: RefusedCall, compressed: boolean): StatusObject | undefined
  /** Learns the size in memory of a message received as `bytes`. */
  learnSize(encoding: string, bytes: number, size: Size): void
}

/** A handler's request. */
export interface ReceivedMessage {
  /** @returns the message, owned by the handler until `release`; undefined once the call has ended */
  readonly bytes: Uint8Array | undefined
  /** Gives the bytes back; call it as soon as they are no longer needed. */
  release(): void
}

/**
 * Private parts of a grpc-js 1.14 call: its stream, the decoder of the stream's bytes, and the announced encoding. The
 * version is pinned, and the receiver's tests fail if these change.
 */
interface HiddenParts {
  readonly stream: ServerHttp2Stream
  decoder: { write(chunk: Buffer): Buffer[] }
  readonly incomingEncoding: string
}

/** Prefix of each message: one byte for compression, four for the length. */
const PREFIX_BYTES = 5

/** Encodings of messages, by the names that gRPC senders use. */
export const GRPC_ENCODINGS: ReadonlySet<string> = new Set<Encoding>(['gzip', 'deflate', 'zstd', 'snappy'])
/** The value of `grpc-accept-encoding`; grpc-js would advertise only its own encodings. */
export const GRPC_ACCEPT_ENCODING = ['identity', ...GRPC_ENCODINGS].join(',')

export function createIntake(options: IntakeOptions): ServerInterceptor {
  // Average of recent messages, so that a call can be refused before its size is known.
  const recent = { averageBytes: 0 }
  return (_, call) => {
    const full = refusalByHead(call, options, recent.averageBytes)
    // A call that is never started is never read.
    if (full !== undefined) return new ServerInterceptingCall(call, { start: () => endWith(call, full) })
    const intake = new Intake(call, options, recent)
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, next) => next(metadata),
          onReceiveMessage: (message: Buffer, next) => intake.message(message, next),
          onReceiveHalfClose: (next) => intake.halfClose(next),
          // Called last, however a call ends.
          onCancel: () => intake.end(),
        }),
      sendMetadata: (metadata: Metadata, next) => {
        metadata.set('grpc-accept-encoding', GRPC_ACCEPT_ENCODING)
        next(metadata)
      },
    })
  }
}

function refusalByHead(
  call: ServerInterceptingCallInterface,
  options: IntakeOptions,
  averageBytes: number,
): StatusObject | undefined {
  const refused = { encoding: '', peer: call.getPeer(), bytes: 0 }
  return hasRoomFor(options.budget, averageBytes)
    ? options.refuseEarly(refused, false)
    : options.refuse('budget_full', refused)
}

/** Ends a call early, as grpc-go does: the sender need not send the rest (RFC 9113, 8.1), and data in flight is not read. */
function endWith(call: ServerInterceptingCallInterface, answer: StatusObject): void {
  call.sendStatus(answer)
  const { stream } = call as unknown as HiddenParts
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
}

/**
 *  receiving ──▶ whole ──▶ handed ──▶ ended        the handler released the message
 *      └───────────┴──────────┴─────▶ ended        refused, timed out, past its deadline, cancelled, reset, or shut down
 *
 * `whole` lasts while the message waits for decompression and is decompressed; `handed` while grpc-js waits for the end of
 * the call. Only `ended` releases the memory, once, and nothing is passed on after it.
 */
type State = 'receiving' | 'whole' | 'handed' | 'ended'

class Intake implements Receiving, ReceivedMessage {
  readonly #call: ServerInterceptingCallInterface
  readonly #options: IntakeOptions
  readonly #recent: { averageBytes: number }
  readonly #holding: Holding
  readonly #encoding: string
  #state: State = 'receiving'
  /** The message that is arriving, its prefix included. */
  #frame: GrowingBytes | undefined
  #frameBytes = 0
  /** A prefix that arrived in parts. */
  #prefix: Buffer = Buffer.alloc(0)
  #received = 0
  #compressed = false
  #bytes: Uint8Array | undefined

  constructor(call: ServerInterceptingCallInterface, options: IntakeOptions, recent: { averageBytes: number }) {
    this.#call = call
    this.#options = options
    this.#recent = recent
    this.#holding = new Holding(options.budget)
    const hidden = call as unknown as HiddenParts
    this.#encoding = hidden.incomingEncoding.trim().toLowerCase()
    hidden.decoder = this
    options.deadlines.add(this)
  }

  get bytes(): Uint8Array | undefined {
    // grpc-js's own deadline timer fires late when the event loop is busy; the sender has given up by then.
    if (this.#state === 'handed' && Number(this.#call.getDeadline()) <= Date.now()) return undefined
    return this.#bytes
  }

  expire(): void {
    this.#refuse('timeout')
  }

  /** Takes bytes of the stream. Returns completed messages with their prefix, as grpc-js's own decoder does. */
  write(chunk: Buffer): Buffer[] {
    this.#received += chunk.length
    if (this.#state !== 'ended' && this.#received > this.#options.limitBytes + PREFIX_BYTES) this.#refuse('too_large')
    const messages: Buffer[] = []
    let rest = chunk
    while (rest.length > 0 && this.#state !== 'ended') rest = this.#read(rest, messages)
    return this.#ended ? [] : messages
  }

  message(message: Buffer, next: (received: ReceivedMessage) => void): void {
    if (this.#state !== 'whole') return
    if (!this.#compressed || message.length === 0) return this.#hand(message, next)
    const limit = this.#options.limitBytes
    // Never calls back once the call has ended, as that releases the holding.
    decompress(this.#encoding as Encoding, message, limit, this.#holding, (bytes, failure) => {
      if (bytes === undefined) this.#refuse(failure ?? 'corrupt')
      else this.#hand(bytes, next)
    })
  }

  halfClose(next: () => void): void {
    if (this.#state === 'receiving') this.#refuse('incomplete')
    else if (this.#state !== 'ended') next()
  }

  release(): void {
    this.end()
  }

  end(): void {
    if (this.#ended) return
    this.#state = 'ended'
    this.#bytes = undefined
    this.#frame = undefined
    this.#options.deadlines.delete(this)
    this.#holding.release()
  }

  get #ended(): boolean {
    return this.#state === 'ended'
  }

  /** Reads a prefix, or a part of the message after it. Returns the rest of the chunk. */
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
    if (this.#frame.append(part) === 'full') this.#refuse('budget_full')
    else if (this.#frame.length === this.#frameBytes) {
      messages.push(this.#frame.view())
      this.#frame = undefined
      this.#state = 'whole'
    }
    return chunk.subarray(part.length)
  }

  /** Checks the prefix of a message and makes room for the message. */
  #begin(head: Buffer): void {
    if (this.#state !== 'receiving') return this.#refuse('second_message')
    const flag = head[0] ?? 0
    if (flag > 1 || (flag === 1 && this.#encoding === 'identity')) return this.#refuse('bad_flag')
    if (flag === 1 && !GRPC_ENCODINGS.has(this.#encoding)) return this.#refuse('unsupported_encoding')
    const length = head.readUInt32BE(1)
    if (length > this.#options.limitBytes) return this.#refuse('too_large')
    this.#compressed = flag === 1
    if (!hasRoomFor(this.#options.budget, length)) return this.#refuse('budget_full')
    const refused = { encoding: this.#encoding, peer: this.#call.getPeer(), bytes: length }
    const full = this.#options.refuseEarly(refused, this.#compressed)
    if (full !== undefined) return this.#endWith(full)
    // Marks the message as uncompressed, so that grpc-js passes it on unchanged.
    head[0] = 0
    this.#frameBytes = PREFIX_BYTES + length
    this.#frame = new GrowingBytes(this.#holding, this.#frameBytes, true)
  }

  #hand(bytes: Uint8Array, next: (received: ReceivedMessage) => void): void {
    this.#state = 'handed'
    this.#bytes = bytes
    this.#recent.averageBytes += (bytes.length - this.#recent.averageBytes) / 16
    this.#options.learnSize(this.#compressed ? this.#encoding : 'identity', this.#frameBytes - PREFIX_BYTES, {
      protobuf: bytes.length,
      held: this.#holding.peakBytes,
    })
    next(this)
  }

  #refuse(failure: IntakeFailure): void {
    if (this.#ended) return
    this.#endWith(
      this.#options.refuse(failure, { encoding: this.#encoding, peer: this.#call.getPeer(), bytes: this.#received }),
    )
  }

  #endWith(answer: StatusObject): void {
    this.end()
    endWith(this.#call, answer)
  }
}

const NOTHING = Buffer.alloc(0)
