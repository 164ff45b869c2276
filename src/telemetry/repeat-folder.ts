import type { Fields, Level } from './logger.ts'
import { timerDelay } from './timer-delay.ts'

export type WriteLine = (level: Level, message: string, fields: Fields) => void

/** Time for which repeats of a line are counted instead of written. */
const WINDOW_MS = 10_000

/** Maximum different lines tracked at a time; the oldest is closed early to make room. */
const MAX_WINDOWS = 500

interface Window {
  readonly level: Level
  readonly message: string
  readonly closesAt: number
  repeated: number
  /** Fields of the last repeat. */
  fields: Fields
}

/**
 * Folds repeated warnings and errors, so that a fault that happens a thousand times a second does not log a thousand lines:
 * the daemon's own log often goes to CloudWatch too, and is billed there. The first line of a component and message is
 * written at once. Its repeats become one line every 10 s, with their number (`repeated`) and the fields of the last.
 */
export class RepeatFolder {
  readonly #write: WriteLine
  /** Ordered by the time at which they close. */
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

  /** Writes the counted repeats and closes all windows. */
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
      // A line that repeated is likely to repeat again: keep counting it.
      if (window.repeated > 0) this.#open(key, window.level, window.message, window.fields)
    }
    this.#arm()
  }

  /** Unref'd: counted repeats must not keep the process alive; `flush` writes them at exit. */
  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { closesAt } of this.#windows.values()) {
      this.#timer = setTimeout(() => this.#closeDue(), timerDelay(closesAt - performance.now())).unref()
      return
    }
  }
}
