import { statfs } from 'node:fs/promises'

/** Of the volume, kept free for acknowledgements and for others: min(256 MiB, 5 %), at least two segments. */
const RESERVE_BYTES = 256 * 1_048_576
const RESERVE_SHARE = 0.05
const RESERVE_SEGMENTS = 2
/** How often the volume is asked, and how long a disk that was full is not written to. */
const CHECK_MS = 1_000

/** Says whether new data may still be written. The drain never asks. */
export class FreeSpace {
  readonly #directory: string
  readonly #segmentBytes: number
  #timer: NodeJS.Timeout | undefined
  /** Too little is free, as far as known. */
  low = false
  freeBytes = 0
  reserveBytes = 0

  constructor(directory: string, segmentBytes: number) {
    this.#directory = directory
    this.#segmentBytes = segmentBytes
  }

  async start(): Promise<void> {
    await this.check()
    this.#timer = setInterval(() => void this.check(), CHECK_MS)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** A write met a full disk: believed until the next check. */
  full(): void {
    this.low = true
  }

  async check(): Promise<void> {
    try {
      const { bavail, blocks, bsize } = await statfs(this.#directory)
      this.freeBytes = bavail * bsize
      this.reserveBytes = Math.max(
        Math.min(RESERVE_BYTES, blocks * bsize * RESERVE_SHARE),
        RESERVE_SEGMENTS * this.#segmentBytes,
      )
      this.low = this.freeBytes < this.reserveBytes
    } catch {
      // The directory is gone or the volume unmounted: nothing can be written there.
      this.low = true
    }
  }
}
