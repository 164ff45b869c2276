import type { Retry } from '../../../../accounting/outcome.ts'
import type { Logger } from '../../../../telemetry/logger.ts'
import { describeError } from '../../../../telemetry/describe-error.ts'
import type { Files } from './files.ts'

/** Space of the volume kept free for acknowledgements, dead letters and others: min(256 MiB, 5 %), at least two segments. */
const RESERVE_BYTES = 256 * 1_048_576
const RESERVE_SHARE = 0.05
const RESERVE_SEGMENTS = 2
/** Interval of checking the volume, and pause after a failed write. */
const CHECK_MS = 1_000

export interface Obstacle {
  readonly cause: Extract<Retry['cause'], 'storage_full' | 'storage_failed'>
  readonly message: string
}

/** Decides whether new records may be written now. Draining the queue does not depend on it. */
export class FreeSpace {
  readonly #files: Files
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #ofReserve: boolean
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined
  #identity: string | undefined
  /** The reason why no new records may be written; undefined if they may. */
  obstacle: Obstacle | undefined
  #checking = false
  #reported: Obstacle['cause'] | undefined
  freeBytes = 0
  reserveBytes = 0

  /** @param ofReserve true if the queue may use the reserve; then only two of its segments are kept free */
  constructor(files: Files, directory: string, segmentBytes: number, ofReserve: boolean, logger: Logger) {
    this.#files = files
    this.#directory = directory
    this.#segmentBytes = segmentBytes
    this.#ofReserve = ofReserve
    this.#logger = logger
  }

  async start(): Promise<void> {
    await this.check()
    this.#timer = setInterval(() => void this.#checkAgain(), CHECK_MS)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Runs one check at a time: a volume that does not respond would block all threads for file calls and DNS. */
  async #checkAgain(): Promise<void> {
    if (this.#checking) return
    this.#checking = true
    await this.check()
    this.#checking = false
  }

  /** Sets an obstacle after a failed write; it stays until the next check. */
  refuse(obstacle: Obstacle): void {
    this.#set(obstacle)
  }

  /** Returns true if the directory cannot be used now, independent of the results of writes. */
  async isAway(): Promise<boolean> {
    return (await this.#look())?.cause === 'storage_failed'
  }

  async check(): Promise<void> {
    this.#set(await this.#look())
  }

  async #look(): Promise<Obstacle | undefined> {
    try {
      const { freeBytes, bytes, identity } = await this.#files.volume(this.#directory)
      this.#identity ??= identity
      if (identity !== this.#identity)
        return {
          cause: 'storage_failed',
          message: `${this.#directory} was replaced by another directory since the start`,
        }
      this.freeBytes = freeBytes
      this.reserveBytes = Math.ceil(
        Math.max(
          this.#ofReserve ? 0 : Math.min(RESERVE_BYTES, bytes * RESERVE_SHARE),
          RESERVE_SEGMENTS * this.#segmentBytes,
        ),
      )
      if (freeBytes >= this.reserveBytes) return undefined
      const message = `the volume of the queue has ${freeBytes} bytes free; ${this.reserveBytes} are kept free`
      return { cause: 'storage_full', message }
    } catch (error) {
      // The directory is gone, or its volume.
      return { cause: 'storage_failed', message: `${this.#directory} cannot be used: ${describeError(error)}` }
    }
  }

  /** Called after a successful write. */
  works(): void {
    if (this.#reported === undefined || this.obstacle !== undefined) return
    this.#reported = undefined
    this.#logger.info('the queue on disk accepts records again', { freeBytes: this.freeBytes })
  }

  #set(obstacle: Obstacle | undefined): void {
    this.obstacle = obstacle
    // Logged once, and not again while the cause stays the same.
    if (obstacle === undefined || obstacle.cause === this.#reported) return
    this.#reported = obstacle.cause
    const instead = this.#ofReserve ? 'dead letters wait in the main queue' : 'senders have to retry'
    this.#logger.error(`the queue on disk accepts no new records: ${instead}`, {
      reason: obstacle.cause,
      error: obstacle.message,
    })
  }
}
