// Reads the index of a segment again, when its records are paged in.

import type { Logger } from '../../../../telemetry/logger.ts'
import type { Files } from '../files/files.ts'
import { readIndex } from '../format/scan.ts'
import type { DiskSegment } from '../segments/disk-batch.ts'
import type { SegmentIndex } from '../format/segment-index.ts'

/** Time after which an unreadable file is given up. A missing file is given up after `waitsMs`. */
const DEAD_AFTER_MS = 3_600_000

export interface IndexReaderOptions {
  readonly files: Files
  /** Waits between attempts, ms; the last one is repeated. */
  readonly waitsMs: readonly number[]
  readonly logger: Logger
  /** Resolves with true if the directory cannot be used now: then nothing in it is given up. */
  readonly away: () => Promise<boolean>
}

interface Failing {
  readonly sinceMs: number
  tries: number
  againAtMs: number
}

export class IndexReader {
  readonly #options: IndexReaderOptions
  readonly #failing = new WeakMap<DiskSegment, Failing>()
  /** The index read last, cached because a window of records is only a part of a segment. */
  #last: { readonly segment: DiskSegment; readonly index: SegmentIndex } | undefined

  constructor(options: IndexReaderOptions) {
    this.#options = options
  }

  /** @returns 'later' if the index cannot be read now; 'gone' if it never can */
  async read(segment: DiskSegment): Promise<SegmentIndex | 'later' | 'gone'> {
    if (segment.index !== undefined) return segment.index
    if (this.#last?.segment === segment) return this.#last.index
    const failing = this.#failing.get(segment)
    if (failing !== undefined && performance.now() < failing.againAtMs) return 'later'
    try {
      const index = await readIndex(this.#options.files, segment.path)
      this.#failing.delete(segment)
      this.#last = { segment, index }
      return index
    } catch (error) {
      return this.#fail(segment, error as NodeJS.ErrnoException)
    }
  }

  async #fail(segment: DiskSegment, error: NodeJS.ErrnoException): Promise<'later' | 'gone'> {
    const { waitsMs, logger, away } = this.#options
    const now = performance.now()
    const known = this.#failing.get(segment) ?? { sinceMs: now, tries: 0, againAtMs: now }
    const isOver = error.code === 'ENOENT' ? known.tries >= waitsMs.length : now - known.sinceMs >= DEAD_AFTER_MS
    const isGone = isOver && !(await away())
    const waitMs = waitsMs[Math.min(known.tries++, waitsMs.length - 1)] ?? 0
    known.againAtMs = now + waitMs
    this.#failing.set(segment, known)
    const file = segment.path
    logger.error('the index of a queue segment cannot be read', isGone ? { file, error } : { file, error, waitMs })
    return isGone ? 'gone' : 'later'
  }
}
