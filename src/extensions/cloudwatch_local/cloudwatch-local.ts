import type { Account, Journal } from './store/account.ts'
import { Api } from './api/api.ts'
import { CallLog } from './api/calls.ts'
import { DirectoryJournal } from './directory/directory.ts'
import { Faults } from './faults/faults.ts'
import { loadDirectory } from './directory/load-directory.ts'
import { eventId, read } from './paging/page.ts'
import { AWS_QUOTAS, Quotas } from './api/quotas.ts'
import { ApiServer } from './api/server.ts'
import { Store, type Batch, type SessionEnd } from './store/store.ts'

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024

export interface CloudWatchLocalOptions {
  /** Default `localhost`; empty is all interfaces. */
  readonly host?: string
  /** Default 0: the system chooses a port. */
  readonly port?: number
  /** Region in ARNs, default `us-east-1`. Requests signed for any region are served. */
  readonly region?: string
  /** 12 digits, default `000000000000`. */
  readonly accountId?: string
  /** Maximum bytes of stored events, as CloudWatch counts them; the oldest are dropped first. Default 64 MiB. */
  readonly maxBytes?: number
  /** Directory that keeps everything over restarts, for one process at a time; in memory only if absent. */
  readonly directory?: string
  /** Calls per second by operation, overriding AWS's own; false for no quotas. */
  readonly quotas?: Readonly<Record<string, number>> | false
  /** Maximum calls that `calls` keeps; default 10,000. */
  readonly keepCalls?: number
  /** ms since the epoch; default `Date.now`. */
  readonly now?: () => number
  readonly onStored?: (batch: Batch) => void
  readonly onEvicted?: (batch: Batch) => void
  /** Called for a bug or a directory that is not writable; the client gets a 500. Default: a process warning. */
  readonly onDefect?: (error: unknown) => void
  /** Called for each unreadable part of the directory; the rest is loaded. Default: a process warning. */
  readonly onDamage?: (what: string) => void
}

/** A stored event. */
export interface LocalEvent {
  readonly group: string
  readonly stream: string
  readonly timestamp: number
  readonly ingestionTime: number
  readonly eventId: string
  readonly message: string
}

/** A CloudWatch Logs API on a local port, with access to its store, its calls and its faults. */
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
   * Opens the port; the same one again after `down`. The first call reads the directory first.
   * @throws the system's error for an unavailable port or directory
   */
  async up(): Promise<void> {
    if (this.#directory !== undefined && this.#options.directory !== undefined && !this.#loaded) {
      const onDamage = this.#options.onDamage ?? ((what) => process.emitWarning(what))
      await loadDirectory(this.#options.directory, this.store, this.#directory, onDamage)
    }
    this.#loaded = true
    this.#port = await this.#server.listen({ kind: 'tcp', host: this.#host, port: this.#port, family: 0 })
  }

  /** Ends every Live Tail session. */
  endLiveTails(how: SessionEnd): void {
    for (const session of this.store.watchers) session.end(how)
  }

  /** Takes the endpoint down: closes the port and cuts every connection. The store stays. */
  async down(): Promise<void> {
    await this.#server.close()
  }

  /** Like `down`, then waits until the directory has everything that was answered. */
  async close(): Promise<void> {
    await this.down()
    await this.#directory?.settled()
  }

  /** Returns the stored events ordered by time, optionally of one group or stream. */
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

/** Creates a CloudWatchLocal and opens its port. */
export async function startCloudWatchLocal(options: CloudWatchLocalOptions = {}): Promise<CloudWatchLocal> {
  const local = new CloudWatchLocal(options)
  await local.up()
  return local
}

/** For a store that is only in memory. */
const noJournal: Journal = {
  async groupChanged() {},
  async groupDeleted() {},
  async streamCreated() {},
  async streamDeleted() {},
  async appended() {},
  evicted() {},
}
