import { RegexWork } from './regex-work.ts'
import { invalidParameter, type ServiceError } from '../answer/service-error.ts'

/** Reads a filter pattern from left to right. */
export class Scanner {
  readonly text: string
  /** The work of all regular expressions in the pattern. */
  readonly regexWork = new RegexWork()
  #at = 0

  constructor(text: string) {
    this.text = text.trimEnd()
  }

  get atEnd(): boolean {
    return this.#at >= this.text.length
  }

  /** The next character; empty at the end. */
  peek(): string {
    return this.text.charAt(this.#at)
  }

  /** Takes `token` if it comes next. */
  take(token: string): boolean {
    if (!this.text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  /** Takes the match of a sticky expression here. */
  takeMatch(sticky: RegExp): string | undefined {
    sticky.lastIndex = this.#at
    const match = sticky.exec(this.text)
    if (match === null) return undefined
    this.#at = sticky.lastIndex
    return match[0]
  }

  skipSpace(): void {
    while (/\s/.test(this.peek())) this.#at += 1
  }

  /** Returns AWS's error "Invalid filter pattern", which has no details there, with the place and the problem. */
  invalid(problem: string): ServiceError {
    const where = this.atEnd ? 'at its end' : `at character ${this.#at + 1}`
    return invalidParameter(`Invalid filter pattern: ${where}: ${problem}`)
  }
}
