import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** A key of this process: digests under it are useless outside. */
const KEY = randomBytes(32)

/** A user's password, as a hash. */
export class Password {
  readonly #expected: Buffer
  readonly #hash: (password: Buffer) => Buffer
  /** The right password under KEY, once it was sent: hashing it for each request would cost a thousand times as much. */
  #shown: Buffer | undefined

  /** @param hash turns the right password into `expected`; its output has a fixed length */
  constructor(expected: Buffer, hash: (password: Buffer) => Buffer) {
    this.#expected = expected
    this.#hash = hash
  }

  static plain(text: string): Password {
    return new Password(keyedDigest(Buffer.from(text)), keyedDigest)
  }

  /** Compares in a time that reveals nothing about the right password. */
  is(given: Buffer): boolean {
    const digest = keyedDigest(given)
    if (this.#shown !== undefined && timingSafeEqual(digest, this.#shown)) return true
    if (!timingSafeEqual(this.#hash(given), this.#expected)) return false
    this.#shown = digest
    return true
  }
}

function keyedDigest(password: Buffer): Buffer {
  return createHmac('sha256', KEY).update(password).digest()
}
