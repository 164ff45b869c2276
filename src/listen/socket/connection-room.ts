import { readFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'

/**
 * Descriptors kept for all else: calls to CloudWatch, the files of queues, probes and scrapes, and some 30 of Node's own.
 * Where there are not twice as many, half of them.
 */
const RESERVE = 256

/**
 * Parts of V8's heap limit that connections and streams may cost together, each. The heap limit follows the memory limit
 * (25 % of it in the image), and most of what they cost lies outside of the heap: so they are at most 6 % of the memory.
 */
const CONNECTION_SHARE = 1 / 8
const STREAM_SHARE = 1 / 8

/**
 * Streams that a connection may have while more than half of the room for streams is taken: one that opens hundreds leaves
 * room for those that open a few.
 */
export const MODEST_STREAMS = 8

/** Bytes that a connection costs: measured resident memory at rest, rounded up (Node 24, 500 connections). */
export const CONNECTION_BYTES = {
  /** HTTP/1.1: 8 to 15 KB. */
  http1: 16_384,
  /** HTTP/2 in grpc-js: 25 to 29 KB. */
  http2: 30_720,
  /** OpenSSL, beside either: 50 KB. */
  tls: 51_200,
} as const

/**
 * How often the largest head on its way is charged: 14 KB in one field cost 14 KB of resident memory, in 430 fields, of which
 * 128 are kept, 23.
 */
export const HEAD_ON_ITS_WAY = 1.5

/** Bytes that a stream costs: 11 to 13 KB, and its head: bytes twice, and 400 for each field (100 small fields: 40 KB). */
const STREAM_BYTES = 14_336
const HEAD_FACTOR = 2
const FIELD_BYTES = 400

/** Memory that a stream of HTTP/2 costs. @param rawHeaders names and values, by turns */
export function streamBytes(rawHeaders: readonly string[]): number {
  let head = 0
  for (const text of rawHeaders) head += text.length
  return STREAM_BYTES + HEAD_FACTOR * head + FIELD_BYTES * (rawHeaders.length / 2)
}

/** Someone with a connection. */
export interface Guest {
  /** Closes the connection, to make room for another. */
  evict(): void
}

/**
 * Room for all connections and streams of a process: it has so many descriptors, and needs some for itself, and so much
 * memory. When it is full, the oldest connection on which no request has been taken yet makes room for the new one:
 * connections that stay silent, or send a head that never ends, cannot keep others out.
 */
export class ConnectionRoom {
  /** By descriptors. */
  readonly most: number
  readonly connectionBytes: number
  readonly streamBytes: number
  readonly #guests = new Map<Guest, number>()
  /** Those without a request so far, oldest first. */
  readonly #unserved = new Set<Guest>()
  #usedConnectionBytes = 0
  #usedStreamBytes = 0

  constructor({ descriptors, heapBytes }: { readonly descriptors: number; readonly heapBytes: number }) {
    this.most = Math.max(descriptors - RESERVE, Math.floor(descriptors / 2))
    this.connectionBytes = Math.floor(heapBytes * CONNECTION_SHARE)
    this.streamBytes = Math.floor(heapBytes * STREAM_SHARE)
  }

  /** @returns connections of this price that fit, at least one */
  fits(bytes: number): number {
    return Math.max(1, Math.min(this.most, Math.floor(this.connectionBytes / bytes)))
  }

  /**
   * @param bytes it costs
   * @returns whether there is a place, which is to be given back with `leave`
   */
  admit(guest: Guest, bytes: number): boolean {
    while (this.#isFull(bytes)) {
      const [oldest] = this.#unserved
      if (oldest === undefined) return false
      this.leave(oldest)
      oldest.evict()
    }
    this.#guests.set(guest, bytes)
    this.#unserved.add(guest)
    this.#usedConnectionBytes += bytes
    return true
  }

  /** Takes a descriptor, but no memory, for one that is only to be told that there is no place. */
  admitForAnswer(guest: Guest): boolean {
    if (this.#guests.size >= this.most) return false
    this.#guests.set(guest, 0)
    return true
  }

  /** A request of it was taken: it stays. */
  served(guest: Guest): void {
    this.#unserved.delete(guest)
  }

  /** Does nothing for one that left before. */
  leave(guest: Guest): void {
    const bytes = this.#guests.get(guest)
    if (bytes === undefined) return
    this.#guests.delete(guest)
    this.#unserved.delete(guest)
    this.#usedConnectionBytes -= bytes
  }

  /**
   * @param others streams that its connection has open
   * @returns whether there is room, which is to be given back with `closeStream`
   */
  openStream(bytes: number, others: number): boolean {
    const used = this.#usedStreamBytes + bytes
    if (used > (others < MODEST_STREAMS ? this.streamBytes : this.streamBytes / 2)) return false
    this.#usedStreamBytes = used
    return true
  }

  closeStream(bytes: number): void {
    this.#usedStreamBytes -= bytes
  }

  #isFull(bytes: number): boolean {
    if (this.#guests.size === 0) return false
    return this.#guests.size >= this.most || this.#usedConnectionBytes + bytes > this.connectionBytes
  }
}

/** Of this process, for those who send to it. */
export const roomForSenders = new ConnectionRoom({
  descriptors: openFilesLimit(),
  heapBytes: getHeapStatistics().heap_size_limit,
})

/** As it is at the start, which Node begins by raising the soft limit to the hard one. */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(soft ?? Number.POSITIVE_INFINITY)
  } catch {
    // Not Linux: Node has no API for this limit.
    return Number.POSITIVE_INFINITY
  }
}
