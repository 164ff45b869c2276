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

// grpc-js reads a whole message, and undoes its compression, before anybody is asked: with 64 MiB messages and 250 streams
// a connection that is 16 GiB each. This interceptor puts its own decoder in: it charges bytes to the budget as they arrive,
// refuses a call when they are too many, and leaves the compression to `decompress`, within the bounds of HTTP.

/** `incomplete`: the call ended before its message did. `bad_flag`: compressed without an encoding, or an unknown flag. */
export type IntakeFailure =
  | DecompressFailure
  | 'unsupported_encoding'
  | 'timeout'
  | 'incomplete'
  | 'bad_flag'
  | 'second_message'

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
  /**
   * Counts and words the refusal of what would not be taken; undefined where it may be. Asked when a call begins, with 0
   * `call.bytes`, and when the length of its message is known, with that.
   * @param compressed by the call's encoding
   */
  refuseEarly(call: RefusedCall, compressed: boolean): StatusObject | undefined
  /** What a message that came as `bytes` took. */
  learnSize(encoding: string, bytes: number, size: Size): void
}

/** A handler's request. */
export interface ReceivedMessage {
  /** @returns the message, which is the handler's until `release`; undefined once the call has ended */
  readonly bytes: Uint8Array | undefined
  /** Returns the bytes; to be called as soon as they are not needed any more. */
  release(): void
}

/**
 * Parts of a call of grpc-js 1.14 that it does not show: its stream, what makes messages of the bytes of that, and the
 * encoding that was announced. The version is pinned, and the receiver's tests notice if these go.
 */
interface HiddenParts {
  readonly stream: ServerHttp2Stream
  decoder: { write(chunk: Buffer): Buffer[] }
  readonly incomingEncoding: string
}

/** Before each message: whether it is compressed, in one byte, and its length in four. */
const PREFIX_BYTES = 5

/** Encodings of messages, by the names that gRPC senders use. */
export const GRPC_ENCODINGS: ReadonlySet<string> = new Set<Encoding>(['gzip', 'deflate', 'zstd', 'snappy'])
/** The value of `grpc-accept-encoding`; grpc-js would advertise only its own encodings. */
export const GRPC_ACCEPT_ENCODING = ['identity', ...GRPC_ENCODINGS].join(',')

export function createIntake(options: IntakeOptions): ServerInterceptor {
  // Of late, so that a call can be refused before its size is known.
  const recent = { averageBytes: 0 }
  return (_, call) => {
    const full = refusalByHead(call, options, recent.averageBytes)
    // A call that is never started is never read.
    if (full !== undefined) return new ServerInterceptingCall(call, { start: () => turnAway(call, full) })
    const intake = new Intake(call, options, recent)
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, next) => next(metadata),
          onReceiveMessage: (message: Buffer, next) => intake.message(message, next),
          onReceiveHalfClose: (next) => intake.halfClose(next),
          // However a call ends, this comes last.
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

/** What the sender has not sent yet it need not send (RFC 9113, 8.1), and what is on its way is not read; as in grpc-go. */
function turnAway(call: ServerInterceptingCallInterface, answer: StatusObject): void {
  call.sendStatus(answer)
  const { stream } = call as unknown as HiddenParts
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
}

/**
 *  receiving ──▶ whole ──▶ handed ──▶ ended        the handler released the message
 *      └───────────┴──────────┴─────▶ ended        refused, timed out, past its deadline, cancelled, reset, or shut down
 *
 * `whole` lasts while the message waits for decompression and is decompressed; `handed` while grpc-js waits for the end of
 * the call. Only `ended` releases the memory, once, and nothing is handed on from there.
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
    // grpc-js keeps its timer for the deadline, which comes late when the event loop is busy: the sender has given up.
    if (this.#state === 'handed' && Number(this.#call.getDeadline()) <= Date.now()) return undefined
    return this.#bytes
  }

  expire(): void {
    this.#refuse('timeout')
  }

  /** Bytes of the stream. Returns the messages they complete, as grpc-js's own decoder does: with their prefix. */
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
    // Never called back once the call has ended: that releases the holding.
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
    if (this.#frame.append(part) === 'full') this.#refuse('budget_full')
    else if (this.#frame.length === this.#frameBytes) {
      messages.push(this.#frame.view())
      this.#frame = undefined
      this.#state = 'whole'
    }
    return chunk.subarray(part.length)
  }

  /** Looks at the prefix of a message. */
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
    if (full !== undefined) return this.#turnAway(full)
    // So grpc-js takes the message for one that is not compressed, and does nothing to it.
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
    this.#turnAway(
      this.#options.refuse(failure, { encoding: this.#encoding, peer: this.#call.getPeer(), bytes: this.#received }),
    )
  }

  #turnAway(answer: StatusObject): void {
    this.end()
    turnAway(this.#call, answer)
  }
}

const NOTHING = Buffer.alloc(0)
