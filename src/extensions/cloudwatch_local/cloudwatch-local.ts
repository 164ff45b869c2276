import type { Account, Journal } from './store/account.ts'
import { Api } from './api/api.ts'
import { CallLog } from './api/calls.ts'
import { DirectoryJournal } from './directory/directory.ts'
import { Faults } from './faults/faults.ts'
import { loadDirectory } from './directory/load-directory.ts'
import { eventId, read } from './paging/page.ts'
import { AWS_QUOTAS, Quotas } from './api/quotas.ts'
import { ApiServer } from './api/server.ts'
import { Store, type Batch } from './store/store.ts'

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024

export interface CloudWatchLocalOptions {
  /** Default `localhost`; empty is all interfaces. */
  readonly host?: string
  /** Default 0: one the system chooses. */
  readonly port?: number
  /** Default `us-east-1`; only what ARNs say: a request signed for any region is served. */
  readonly region?: string
  /** 12 digits, default `000000000000`. */
  readonly accountId?: string
  /** Events that are kept, as CloudWatch counts bytes; the oldest go first. Default 64 MiB. */
  readonly maxBytes?: number
  /** Where everything is kept over restarts; in memory only if absent. One process at a time. */
  readonly directory?: string
  /** Calls a second by operation, over AWS's own; false for none at all. */
  readonly quotas?: Readonly<Record<string, number>> | false
  /** How many calls `calls` keeps; default 10,000. */
  readonly keepCalls?: number
  /** ms since the epoch; default `Date.now`. */
  readonly now?: () => number
  readonly onStored?: (batch: Batch) => void
  readonly onEvicted?: (batch: Batch) => void
  /** Told of a bug, or of a directory that cannot be written: the client gets a 500. Default: a process warning. */
  readonly onDefect?: (error: unknown) => void
  /** Told of what in the directory cannot be read; the rest is loaded. Default: a process warning. */
  readonly onDamage?: (what: string) => void
}

/** An event as it is stored. */
export interface LocalEvent {
  readonly group: string
  readonly stream: string
  readonly timestamp: number
  readonly ingestionTime: number
  readonly eventId: string
  readonly message: string
}

/** A CloudWatch Logs API on a local port, and the door to what it holds and to what may go wrong in it. */
export class CloudWatchLocal {
  readonly store: Store
  readonly faults = new Faults()
  readonly calls: CallLog
  readonly #options: CloudWatchLocalOptions
  readonly #directory: DirectoryJournal | undefined
  readonly #server: ApiServer
  readonly #host: string
  #port: number
  #loaded = false

  constructor(options: CloudWatchLocalOptions = {}) {
    this.#options = options
    this.#host = options.host ?? 'localhost'
    this.#port = options.port ?? 0
    this.store = new Store(options.maxBytes ?? DEFAULT_MAX_BYTES)
    this.calls = new CallLog(options.keepCalls ?? 10_000)
    const onDefect = options.onDefect ?? ((error) => process.emitWarning(String(error)))
    this.#directory = options.directory === undefined ? undefined : new DirectoryJournal(options.directory, onDefect)
    this.store.onEvicted = (batch) => {
      this.#directory?.evicted(batch)
      options.onEvicted?.(batch)
    }
    const account: Account = {
      store: this.store,
      journal: this.#directory ?? noJournal,
      region: options.region ?? 'us-east-1',
      id: options.accountId ?? '000000000000',
      now: options.now ?? Date.now,
      onStored: options.onStored ?? (() => {}),
    }
    const perSecond = options.quotas === false ? {} : { ...AWS_QUOTAS, ...options.quotas }
    const quotas = new Quotas(perSecond, () => performance.now())
    this.#server = new ApiServer(new Api(account, quotas, this.faults, this.calls), onDefect)
  }

  /** The endpoint for a client, such as `http://localhost:4588`. */
  get url(): string {
    const everywhere = this.#host === '' || this.#host === '0.0.0.0' || this.#host === '::'
    const host = everywhere ? 'localhost' : this.#host
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`
  }

  /**
   * Opens the port; the same one again after `down`. The first time, reads the directory before.
   * @throws the system's error for a port or a directory that cannot be had
   */
  async up(): Promise<void> {
    if (this.#directory !== undefined && this.#options.directory !== undefined && !this.#loaded) {
      const onDamage = this.#options.onDamage ?? ((what) => process.emitWarning(what))
      await loadDirectory(this.#options.directory, this.store, this.#directory, onDamage)
    }
    this.#loaded = true
    this.#port = await this.#server.listen({ kind: 'tcp', host: this.#host, port: this.#port, family: 0 })
  }

  /** The endpoint is gone: the port is closed and every connection cut. What is stored stays. */
  async down(): Promise<void> {
    await this.#server.close()
  }

  /** As `down`, and everything that was answered is in the directory. */
  async close(): Promise<void> {
    await this.down()
    await this.#directory?.settled()
  }

  /** What is stored, in the order of time; of one group or one stream if they are named. */
  events(group?: string, stream?: string): LocalEvent[] {
    const groups = group === undefined ? [...this.store.groups.values()] : [this.store.groups.get(group)]
    const streams = groups
      .flatMap((each) => [...(each?.streams.values() ?? [])])
      .filter(({ name }) => stream === undefined || name === stream)
    return read({ streams, from: 0, before: Infinity }).map((event) => ({
      group: event.stream.group.name,
      stream: event.stream.name,
      timestamp: event.timestamp,
      ingestionTime: event.ingestionTime,
      eventId: eventId(event),
      message: event.message,
    }))
  }
}

/** A new one, listening. */
export async function startCloudWatchLocal(options: CloudWatchLocalOptions = {}): Promise<CloudWatchLocal> {
  const local = new CloudWatchLocal(options)
  await local.up()
  return local
}

/** Everything is in memory, and nowhere else. */
const noJournal: Journal = {
  async groupChanged() {},
  async groupDeleted() {},
  async streamCreated() {},
  async streamDeleted() {},
  async appended() {},
  evicted() {},
}
