/** Bookkeeping of one request: its array, its buffer and its entry. Measured at about 250 bytes on Node 24. */
const OVERHEAD_BYTES = 256

interface WaitingRequest {
  readonly bytes: Uint8Array
  readonly records: number
}

/** Requests that wait until there is a way to send them, within a number of bytes. */
export class WaitingRequests {
  readonly #maxBytes: number
  #requests: WaitingRequest[] = []
  #bytes = 0
  #records = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get records(): number {
    return this.#records
  }

  /** @returns Returns false if there is no room for the request */
  add(bytes: Uint8Array, records: number): boolean {
    // The buffer behind the bytes may be longer.
    const cost = bytes.buffer.byteLength + OVERHEAD_BYTES
    if (this.#bytes + cost > this.#maxBytes) return false
    this.#requests.push({ bytes, records })
    this.#bytes += cost
    this.#records += records
    return true
  }

  /** Empties the list and returns its requests, oldest first. */
  drain(): readonly WaitingRequest[] {
    const drained = this.#requests
    this.#requests = []
    this.#bytes = 0
    this.#records = 0
    return drained
  }
}
