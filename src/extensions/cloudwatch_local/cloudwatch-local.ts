import type { Account, Journal } from './account.ts'
import { Api } from './api.ts'
import { CallLog } from './calls.ts'
import { Faults } from './faults.ts'
import { eventId, read } from './page.ts'
import { AWS_QUOTAS, Quotas } from './quotas.ts'
import { ApiServer } from './server.ts'
import { Store, type Batch } from './store.ts'

export interface CloudWatchLocalOptions {
  /** Default `localhost`. */
  readonly host?: string
  /** Default 0: one the system chooses. */
  readonly port?: number
  /** Default `us-east-1`; only what ARNs say: a request signed for any region is served. */
  readonly region?: string
  /** 12 digits, default `000000000000`. */
  readonly accountId?: string
  /** Events that are kept, as CloudWatch counts bytes; the oldest go first. Default 64 MiB. */
  readonly maxBytes?: number
  /** Calls a second by operation, over AWS's own; false for none at all. */
  readonly quotas?: Readonly<Record<string, number>> | false
  /** How many calls `calls` keeps; default 10,000. */
  readonly keepCalls?: number
  /** ms since the epoch; default `Date.now`. */
  readonly now?: () => number
  readonly onStored?: (batch: Batch) => void
  readonly onEvicted?: (batch: Batch) => void
  readonly onDefect?: (error: unknown) => void
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
  readonly #server: ApiServer
  readonly #host: string
  #port: number

  constructor(options: CloudWatchLocalOptions = {}) {
    this.#host = options.host ?? 'localhost'
    this.#port = options.port ?? 0
    this.store = new Store(options.maxBytes ?? 64 * 1024 * 1024)
    this.store.onEvicted = options.onEvicted ?? (() => {})
    this.calls = new CallLog(options.keepCalls ?? 10_000)
    const account: Account = {
      store: this.store,
      journal: noJournal(options.onStored ?? (() => {})),
      region: options.region ?? 'us-east-1',
      id: options.accountId ?? '000000000000',
      now: options.now ?? Date.now,
    }
    const quotas = new Quotas(options.quotas === false ? {} : { ...AWS_QUOTAS, ...options.quotas }, () =>
      performance.now(),
    )
    const onDefect = options.onDefect ?? ((error) => process.emitWarning(String(error)))
    this.#server = new ApiServer(new Api(account, quotas, this.faults, this.calls), onDefect)
  }

  /** The endpoint for a client, such as `http://localhost:4588`. */
  get url(): string {
    return `http://${this.#host}:${this.#port}`
  }

  /** Opens the port; the same one again after `down`. */
  async up(): Promise<void> {
    this.#port = await this.#server.listen(this.#host, this.#port)
  }

  /** The endpoint is gone: the port is closed and every connection cut. What is stored stays. */
  async down(): Promise<void> {
    await this.#server.close()
  }

  async close(): Promise<void> {
    await this.down()
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

function noJournal(onStored: (batch: Batch) => void): Journal {
  return {
    async groupChanged() {},
    async groupDeleted() {},
    async streamCreated() {},
    async streamDeleted() {},
    async appended(batch) {
      onStored(batch)
    },
  }
}
