// Hot path; bench: test/bench/transcode.ts
//
// Names of attributes, exact or as a prefix with `*`, compared as UTF-8 bytes.

export class KeyFilter {
  readonly #names: readonly Uint8Array[]
  readonly #isPrefix: readonly boolean[]

  constructor(patterns: readonly string[]) {
    this.#isPrefix = patterns.map((pattern) => pattern.endsWith('*'))
    this.#names = patterns.map((pattern) => Buffer.from(pattern.endsWith('*') ? pattern.slice(0, -1) : pattern))
  }

  /** Whether `bytes[from..to)` is one of the names. */
  has(bytes: Uint8Array, from: number, to: number): boolean {
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i] as Uint8Array
      if (this.#isPrefix[i] === true ? name.length > to - from : name.length !== to - from) continue
      let same = 0
      while (same < name.length && name[same] === bytes[from + same]) same++
      if (same === name.length) return true
    }
    return false
  }
}
