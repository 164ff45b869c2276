import type { Fields, Level } from './logger.ts'
import { timerDelay } from './timer-delay.ts'

export type WriteLine = (level: Level, message: string, fields: Fields) => void

/** How long repeats of a line are counted instead of written. */
const WINDOW_MS = 10_000

/** Different lines remembered at a time; the oldest is forgotten early to make room. */
const MAX_WINDOWS = 500

interface Window {
  readonly level: Level
  readonly message: string
  readonly closesAt: number
  repeated: number
  /** Of the last repeat. */
  fields: Fields
}

/**
 * Keeps a fault that happens a thousand times a second from being a thousand lines: the daemon's own log often goes to
 * CloudWatch too, and is billed there. Of warnings and errors with the same component and message the first is written
 * at once, the others every 10 s as one line that says how often (`repeated`), with the fields of the last.
 */
export class RepeatFolder {
  readonly #write: WriteLine
  /** In the order in which they close. */
  readonly #windows = new Map<string, Window>()
  #timer: NodeJS.Timeout | undefined

  constructor(write: WriteLine) {
    this.#write = write
  }

  write(level: Level, message: string, fields: Fields): void {
    if (level === 'debug' || level === 'info') {
      this.#write(level, message, fields)
      return
    }
    const key = `${level} ${String(fields['component'])} ${message}`
    const open = this.#windows.get(key)
    if (open !== undefined) {
      open.repeated++
      open.fields = fields
      return
    }
    this.#write(level, message, fields)
    this.#open(key, level, message, fields)
    if (this.#timer === undefined) this.#arm()
  }

  /** Writes what has been counted and forgets all windows; nothing is left behind. */
  flush(): void {
    for (const [key, window] of this.#windows) this.#close(key, window)
    this.#arm()
  }

  #open(key: string, level: Level, message: string, fields: Fields): void {
    const [oldest] = this.#windows
    if (oldest !== undefined && this.#windows.size === MAX_WINDOWS) this.#close(...oldest)
    this.#windows.set(key, { level, message, fields, repeated: 0, closesAt: performance.now() + WINDOW_MS })
  }

  #close(key: string, { level, message, fields, repeated }: Window): void {
    this.#windows.delete(key)
    if (repeated > 0) this.#write(level, message, { ...fields, repeated })
  }

  #closeDue(): void {
    const now = performance.now()
    for (const [key, window] of this.#windows) {
      if (window.closesAt > now) break
      this.#close(key, window)
      // What came again will come once more: from here on it is counted, not written.
      if (window.repeated > 0) this.#open(key, window.level, window.message, window.fields)
    }
    this.#arm()
  }

  /** Unref'd: a count must not keep a process alive that has nothing else to do; `flush` writes it. */
  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { closesAt } of this.#windows.values()) {
      this.#timer = setTimeout(() => this.#closeDue(), timerDelay(closesAt - performance.now())).unref()
      return
    }
  }
}
