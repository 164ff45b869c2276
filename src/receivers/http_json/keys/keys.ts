import { createHash } from 'node:crypto'
import type { Identity } from '../../../component/authenticator.ts'
import type { ByteBudget } from '../../../component/byte-budget.ts'
import type { ClaimedDirectory } from '../../../component/storage.ts'
import type { Files } from '../../../delivery/queue/disk/files/files.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import { BYTES_PER_KEY, entryOf, KEY_BYTES, KeyTable, rejectedOf, sameRequest } from './key-table.ts'
import { KeyFiles } from './key-files.ts'

const LIFETIME_SECONDS = 86_400
const MAX_KEYS = 1_000_000
/** Part of the byte budget that keys may take: 256 MiB hold a million of them. */
const BUDGET_SHARE = 1 / 8
/** ms between two looks for keys that are too old. */
const EXPIRE_EVERY_MS = 60_000

/** A request whose key is being handled. `remember` or `forget` ends that. */
export interface Begun {
  readonly kind: 'new'
  readonly id: string
  readonly key: Buffer
  readonly request: Buffer
}

/** The clock and the disk, which tests replace. */
export interface Surroundings {
  /** ms since the epoch */
  readonly now?: () => number
  readonly files?: Files
}

export type Verdict =
  | Begun
  /** The same request was accepted before. */
  | { readonly kind: 'repeated'; readonly rejected: number }
  /** The key was used for another request. */
  | { readonly kind: 'reused' }
  /** A request with the key has no answer yet. */
  | { readonly kind: 'in_flight' }
  /** The disk takes no keys now. */
  | { readonly kind: 'unavailable' }

/**
 * Remembers idempotency keys of accepted requests for 24 hours, by sender. With a directory a key is on disk before its
 * sender is answered: the record is in the queue by then, so that no acknowledged request is ever accepted twice. A request
 * that failed leaves no key. A crash between the two writes leaves a queued record without a key, and without an answer.
 */
export class Keys {
  readonly #table: KeyTable
  readonly #files: KeyFiles | undefined
  readonly #directory: ClaimedDirectory | undefined
  readonly #logger: Logger
  readonly #now: () => number
  readonly #inFlight = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #expiring: Promise<void> | undefined
  #closed = false
  #saidEvicted = false
  #saidFailed = false

  constructor(
    budget: ByteBudget,
    directory: ClaimedDirectory | undefined,
    logger: Logger,
    { now = () => Date.now(), files }: Surroundings = {},
  ) {
    const maxKeys = Math.max(1, Math.min(MAX_KEYS, Math.floor((budget.capacity * BUDGET_SHARE) / BYTES_PER_KEY)))
    this.#table = new KeyTable(budget, maxKeys)
    this.#files = directory && new KeyFiles(directory.path, directory.fsync, maxKeys, files)
    this.#directory = directory
    this.#logger = logger
    this.#now = now
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#table.size
  }

  /** Keys forgotten before their time. */
  get evicted(): number {
    return this.#table.evicted
  }

  /** Reads the keys that earlier processes wrote. */
  async start(): Promise<void> {
    if (this.#files !== undefined) {
      const oldest = this.#oldest()
      const { damaged, foreign } = await this.#files.load((entry) => this.#table.add(entry))
      this.#table.expire(oldest)
      this.#table.evicted = 0
      if (damaged > 0)
        this.#logger.warn('idempotency keys on disk are damaged; requests with these keys are accepted again', {
          damaged,
        })
      if (foreign.length > 0)
        this.#logger.warn('files of idempotency keys are of another version; they are ignored', { files: foreign })
      await this.#files.expire(oldest)
    }
    this.#timer = setInterval(() => this.#expire(), EXPIRE_EVERY_MS).unref()
  }

  /** @param body the request in a form that is the same for the same records */
  begin(identity: Identity | undefined, name: string, body: Uint8Array): Verdict {
    const key = hash(`${identity === undefined ? '' : `${identity.name.length}:${identity.name}`}\n${name}`)
    const id = key.toString('latin1', 0, KEY_BYTES)
    if (this.#inFlight.has(id)) return { kind: 'in_flight' }
    if (this.#closed) return { kind: 'unavailable' }
    if (this.#files?.failure !== undefined) {
      this.#files.retry()
      return { kind: 'unavailable' }
    }
    const request = hash(body)
    const known = this.#table.find(key)
    if (known === undefined) {
      this.#inFlight.add(id)
      return { kind: 'new', id, key, request }
    }
    if (!sameRequest(known, entryOf(key, request, 0, 0))) return { kind: 'reused' }
    return { kind: 'repeated', rejected: rejectedOf(known) }
  }

  /** Ends a request that was not accepted: it may be sent again. */
  forget({ id }: Begun): void {
    this.#inFlight.delete(id)
  }

  /** Ends an accepted request. @param done called when the key is kept; with true if it could not be written yet */
  remember({ id, key, request }: Begun, rejected: number, done: (failed: boolean) => void): void {
    if (this.#closed) {
      // A pipeline that answers while the daemon stops; its client is gone, and will send again.
      this.#inFlight.delete(id)
      return done(true)
    }
    const entry = entryOf(key, request, Math.floor(this.#now() / 1_000), rejected)
    const kept = (failure: unknown) => {
      this.#inFlight.delete(id)
      this.#noteFailure(failure)
      done(failure !== undefined)
    }
    this.#table.add(entry)
    this.#noteEvicted()
    if (this.#files === undefined) kept(undefined)
    else this.#files.append(entry, kept)
  }

  /** May be called twice, and before `start`. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#expiring
    await this.#files?.close()
    this.#table.close()
    await this.#directory?.release()
  }

  #oldest(): number {
    return Math.floor(this.#now() / 1_000) - LIFETIME_SECONDS
  }

  #expire(): void {
    const oldest = this.#oldest()
    this.#table.expire(oldest)
    // A file that cannot be removed now is removed at a later look.
    this.#expiring ??= (this.#files?.expire(oldest) ?? Promise.resolve())
      .catch((error: unknown) => this.#logger.warn('old idempotency keys could not be removed', { error }))
      .finally(() => {
        this.#expiring = undefined
      })
  }

  #noteEvicted(): void {
    if (this.#table.evicted === 0 || this.#saidEvicted) return
    this.#saidEvicted = true
    this.#logger.warn(
      'there are more idempotency keys in 24 hours than memory allows: the oldest are forgotten; raise the memory limit',
      { keys: this.#table.size },
    )
  }

  #noteFailure(failure: unknown): void {
    if (failure === undefined) {
      if (this.#saidFailed) this.#logger.info('idempotency keys are written again')
      this.#saidFailed = false
      return
    }
    if (!this.#saidFailed)
      this.#logger.error('idempotency keys cannot be written: requests with a key are answered 503 until they can', {
        error: failure,
      })
    this.#saidFailed = true
  }
}

function hash(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest()
}
