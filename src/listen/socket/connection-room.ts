import { readFileSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'

/**
 * Descriptors reserved for everything else: calls to CloudWatch, the files of queues, probes and scrapes, and some 30 of
 * Node's own. A process with fewer than twice as many reserves half of them.
 */
const RESERVE = 256

/**
 * Shares of V8's heap limit for all connections and for all streams. The heap limit follows the memory limit (25 % of it in
 * the image), and most of their cost lies outside of the heap: so both together are at most 6 % of the memory.
 */
const CONNECTION_SHARE = 1 / 8
const STREAM_SHARE = 1 / 8

/**
 * Maximum streams of a connection while more than half of the room for streams is in use, so that a connection with hundreds
 * leaves room for those with a few.
 */
export const MODEST_STREAMS = 8

/** Bytes that a connection costs: measured resident memory at rest, rounded up (Node 24, 500 connections). */
export const CONNECTION_BYTES = {
  /** HTTP/1.1: 8 to 15 KB. */
  http1: 16_384,
  /** HTTP/2 in grpc-js: 25 to 29 KB. */
  http2: 30_720,
  /** OpenSSL, in addition to either: 50 KB. */
  tls: 51_200,
} as const

/**
 * Factor for the largest head in flight: 14 KB in one field cost 14 KB of resident memory; in 430 fields, of which 128 are
 * kept, they cost 23 KB.
 */
export const HEAD_IN_FLIGHT_FACTOR = 1.5

/** Bytes that a stream costs: 11 to 13 KB, plus twice its head, plus 400 for each field (100 small fields: 40 KB). */
const STREAM_BYTES = 14_336
const HEAD_FACTOR = 2
const FIELD_BYTES = 400

/** Memory that an HTTP/2 stream costs. @param rawHeaders alternating names and values */
export function streamBytes(rawHeaders: readonly string[]): number {
  let head = 0
  for (const text of rawHeaders) head += text.length
  return STREAM_BYTES + HEAD_FACTOR * head + FIELD_BYTES * (rawHeaders.length / 2)
}

/** The owner of a connection. */
export interface Guest {
  /** Closes the connection to make room for another. */
  evict(): void
}

/**
 * Room for all connections and streams of a process, bounded by its descriptors (minus a reserve) and its memory. When it is
 * full, the oldest connection without an accepted request is closed for the new one, so that connections that stay silent or
 * send an endless head cannot block others.
 */
export class ConnectionRoom {
  /** Maximum connections, by descriptors. */
  readonly maxConnections: number
  readonly connectionBytes: number
  readonly streamBytes: number
  readonly #guests = new Map<Guest, number>()
  /** Guests without a request so far, oldest first. */
  readonly #unserved = new Set<Guest>()
  #usedConnectionBytes = 0
  #usedStreamBytes = 0

  constructor({ descriptors, heapBytes }: { readonly descriptors: number; readonly heapBytes: number }) {
    this.maxConnections = Math.max(descriptors - RESERVE, Math.floor(descriptors / 2))
    this.connectionBytes = Math.floor(heapBytes * CONNECTION_SHARE)
    this.streamBytes = Math.floor(heapBytes * STREAM_SHARE)
  }

  /** @returns how many connections of this cost fit, at least one */
  fits(bytes: number): number {
    return Math.max(1, Math.min(this.maxConnections, Math.floor(this.connectionBytes / bytes)))
  }

  /**
   * @param bytes cost of the connection
   * @returns true if it was admitted; give the place back with `leave`
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

  /** Takes a descriptor, but no memory, for a connection that only gets a refusal. */
  admitForAnswer(guest: Guest): boolean {
    if (this.#guests.size >= this.maxConnections) return false
    this.#guests.set(guest, 0)
    return true
  }

  /** Marks a guest whose request was accepted: it is not evicted. */
  served(guest: Guest): void {
    this.#unserved.delete(guest)
  }

  /** Does nothing for a guest that has left. */
  leave(guest: Guest): void {
    const bytes = this.#guests.get(guest)
    if (bytes === undefined) return
    this.#guests.delete(guest)
    this.#unserved.delete(guest)
    this.#usedConnectionBytes -= bytes
  }

  /**
   * @param others open streams of its connection
   * @returns true if there was room; give it back with `closeStream`
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
    return this.#guests.size >= this.maxConnections || this.#usedConnectionBytes + bytes > this.connectionBytes
  }
}

/** The room of this process for senders. */
export const roomForSenders = new ConnectionRoom({
  descriptors: openFilesLimit(),
  heapBytes: getHeapStatistics().heap_size_limit,
})

/** The limit at start; Node first raises the soft limit to the hard one. */
function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(soft ?? Number.POSITIVE_INFINITY)
  } catch {
    // Not Linux: Node has no API for this limit.
    return Number.POSITIVE_INFINITY
  }
}
