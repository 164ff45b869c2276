// Checks documents of CloudWatch's embedded metric format as a stream, without an object per value:
//
//   {"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"n","Dimensions":[["d"]],"Metrics":[{"Name":"m"}]}]},"m":1,"d":"x"}

import { JsonProblem, JsonReader } from '../../../../otlp/json-reader.ts'

/** Maximum metrics of a document; CloudWatch takes none of a document with more. */
export const MAX_METRICS = 100
/** Maximum names in one set of dimensions. */
const MAX_DIMENSIONS = 30
/** Maximum characters of a namespace; a character has up to 3 bytes of UTF-8 or 6 of an escape. */
const MAX_NAMESPACE_BYTES = 256 * 6

export type Emf = 'none' | 'valid' | 'invalid'

export class EmfCheck {
  readonly #json = new JsonReader()
  #metrics = 0
  #valid = true
  #found = false

  /** @returns Returns `none` for a line that is not a JSON object with `_aws.CloudWatchMetrics` */
  check(line: Uint8Array): Emf {
    const json = this.#json
    this.#metrics = 0
    this.#valid = true
    this.#found = false
    json.reset(line)
    try {
      if (json.kind() !== 'an object') return 'none'
      if (json.enter('an object'))
        do {
          json.key()
          if (this.#isKey('_aws') && json.kind() === 'an object') this.#metadata()
          else json.skip()
        } while (json.another('an object'))
      json.finish()
    } catch (error) {
      // Invalid JSON is a result here, not a failure.
      if (error instanceof JsonProblem) return 'none'
      throw error
    } finally {
      json.release()
    }
    if (!this.#found) return 'none'
    return this.#valid && this.#metrics <= MAX_METRICS ? 'valid' : 'invalid'
  }

  #metadata(): void {
    const json = this.#json
    let timestamp = false
    if (json.enter('an object'))
      do {
        json.key()
        if (this.#isKey('Timestamp') && json.kind() === 'a number') {
          json.number()
          timestamp = true
        } else if (this.#isKey('CloudWatchMetrics')) {
          this.#found = true
          this.#directives()
        } else json.skip()
      } while (json.another('an object'))
    if (!timestamp) this.#valid = false
  }

  #directives(): void {
    if (!this.#enters('a list')) return
    do if (this.#enters('an object')) this.#directive()
    while (this.#json.another('a list'))
  }

  #directive(): void {
    const json = this.#json
    let namespace = false
    do {
      json.key()
      if (this.#isKey('Namespace') && json.kind() === 'a string') {
        json.string()
        namespace = json.to > json.from && json.to - json.from <= MAX_NAMESPACE_BYTES
      } else if (this.#isKey('Dimensions')) this.#dimensions()
      else if (this.#isKey('Metrics')) this.#metricList()
      else json.skip()
    } while (json.another('an object'))
    if (!namespace) this.#valid = false
  }

  #dimensions(): void {
    const json = this.#json
    if (!this.#enters('a list')) return
    do {
      if (json.kind() !== 'a list') {
        this.#valid = false
        json.skip()
      } else if (json.enter('a list')) {
        let names = 0
        do {
          names++
          if (json.kind() !== 'a string') this.#valid = false
          json.skip()
        } while (json.another('a list'))
        if (names > MAX_DIMENSIONS) this.#valid = false
      }
    } while (json.another('a list'))
  }

  #metricList(): void {
    const json = this.#json
    if (!this.#enters('a list')) return
    do {
      this.#metrics++
      let name = false
      if (this.#enters('an object'))
        do {
          json.key()
          const isName = this.#isKey('Name')
          if (isName && json.kind() === 'a string') {
            json.string()
            name = json.to > json.from
          } else json.skip()
        } while (json.another('an object'))
      if (!name) this.#valid = false
    } while (json.another('a list'))
  }

  /** Enters a value of this kind. @returns Returns false for an empty one, and for another kind, which is an error */
  #enters(kind: 'an object' | 'a list'): boolean {
    const json = this.#json
    if (json.kind() === kind) {
      if (json.enter(kind)) return true
      // An empty directive or metric lacks its name.
      if (kind === 'an object') this.#valid = false
      return false
    }
    this.#valid = false
    json.skip()
    return false
  }

  /** Whether the last key read equals `key`. */
  #isKey(key: string): boolean {
    const { from, to, escaped } = this.#json
    if (!escaped) return to - from === key.length && this.#json.text() === key
    return to - from <= key.length * 6 && this.#json.text() === key
  }
}
