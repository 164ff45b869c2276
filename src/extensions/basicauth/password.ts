import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Of this process: what is remembered under it is of no use to anybody else. */
const KEY = randomBytes(32)

/** A user's password, as a hash. */
export class Password {
  readonly #expected: Buffer
  readonly #hash: (password: Buffer) => Buffer
  /** The right one under KEY, once it was shown: hashing it for each request would cost a thousand times as much. */
  #shown: Buffer | undefined

  /** @param hash makes `expected` of the right password; always as many bytes */
  constructor(expected: Buffer, hash: (password: Buffer) => Buffer) {
    this.#expected = expected
    this.#hash = hash
  }

  static plain(text: string): Password {
    return new Password(keyedDigest(Buffer.from(text)), keyedDigest)
  }

  /** Compares in a time that tells nothing about the right one. */
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
