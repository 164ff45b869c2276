import type { Retry } from '../../../../accounting/outcome.ts'
import type { Logger } from '../../../../telemetry/logger.ts'
import { describeError } from '../../../../telemetry/describe-error.ts'
import type { Files } from './files.ts'

/** Of the volume, kept free for acknowledgements, dead letters and others: min(256 MiB, 5 %), at least two segments. */
const RESERVE_BYTES = 256 * 1_048_576
const RESERVE_SHARE = 0.05
const RESERVE_SEGMENTS = 2
/** How often the volume is asked, and how long a disk that refused a write is not written to. */
const CHECK_MS = 1_000

export interface Obstacle {
  readonly cause: Extract<Retry['cause'], 'storage_full' | 'storage_failed'>
  readonly message: string
}

/** Says whether new data may be written at the moment. The drain never asks. */
export class FreeSpace {
  readonly #files: Files
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #ofReserve: boolean
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined
  #identity: string | undefined
  /** Why not; undefined if it may. */
  obstacle: Obstacle | undefined
  #checking = false
  #told: Obstacle['cause'] | undefined
  freeBytes = 0
  reserveBytes = 0

  /** @param ofReserve what is written belongs to what the reserve is for: two segments of its own are left free */
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

  /** One after the other: a volume that does not answer would get every thread there is for file calls and DNS. */
  async #checkAgain(): Promise<void> {
    if (this.#checking) return
    this.#checking = true
    await this.check()
    this.#checking = false
  }

  /** A write failed: that is believed until the next check. */
  refuse(obstacle: Obstacle): void {
    this.#set(obstacle)
  }

  /** Whether the directory cannot be used at the moment, whatever became of writes. */
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
        return { cause: 'storage_failed', message: `${this.#directory} is another directory than it was at the start` }
      this.freeBytes = freeBytes
      this.reserveBytes = Math.ceil(
        Math.max(
          this.#ofReserve ? 0 : Math.min(RESERVE_BYTES, bytes * RESERVE_SHARE),
          RESERVE_SEGMENTS * this.#segmentBytes,
        ),
      )
      if (freeBytes >= this.reserveBytes) return undefined
      const message = `${freeBytes} bytes are free where the queue is, and ${this.reserveBytes} are kept free`
      return { cause: 'storage_full', message }
    } catch (error) {
      // The directory is gone, or its volume.
      return { cause: 'storage_failed', message: `${this.#directory} cannot be used: ${describeError(error)}` }
    }
  }

  /** A write succeeded. */
  works(): void {
    if (this.#told === undefined || this.obstacle !== undefined) return
    this.#told = undefined
    this.#logger.info('the queue on disk takes records again', { freeBytes: this.freeBytes })
  }

  #set(obstacle: Obstacle | undefined): void {
    this.obstacle = obstacle
    // Said once, and not again while every try meets the same.
    if (obstacle === undefined || obstacle.cause === this.#told) return
    this.#told = obstacle.cause
    const instead = this.#ofReserve ? 'dead letters wait where they are' : 'senders are told to wait'
    this.#logger.error(`nothing new is taken into the queue on disk, ${instead}`, {
      reason: obstacle.cause,
      error: obstacle.message,
    })
  }
}
