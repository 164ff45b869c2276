import { type Component, ComponentError, type Host } from '../../component/component.ts'
import type { LogsExporter, LogsRequest, Reservation } from '../../component/consumer.ts'
import type { ExporterSettings } from '../../component/factory.ts'
import { formatComponentId } from '../../component/id.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import { registerLedger } from '../../accounting/ledger-metrics.ts'
import type { Ledger } from '../../accounting/ledger.ts'
import { isQueueStorage } from '../../component/storage.ts'
import { CloudWatchLogs } from './cloudwatch-logs.ts'
import type { Config } from './config.ts'
import { registerMetrics } from './metrics.ts'
import { type CloudWatchLogsSettings, resolve } from './settings/resolve.ts'
import type { Storage } from './storage/open-directory.ts'

/** The exporter as a component of the daemon: `CloudWatchLogs` with metrics. */
export class CloudWatchLogsExporter implements Component, LogsExporter {
  readonly #created: ExporterSettings<Config>
  readonly #settings: CloudWatchLogsSettings
  readonly #logs: CloudWatchLogs
  #unregister: (() => void)[] = []

  constructor(created: ExporterSettings<Config>) {
    const { config, siblings, shape, id } = created
    this.#created = created
    this.#settings = resolve(config, siblings.share, shape)
    this.#logs = new CloudWatchLogs({ ...created, name: formatComponentId(id), settings: this.#settings })
  }

  get ledger(): Ledger {
    return this.#logs.ledger
  }

  get ledgerOutlives(): boolean {
    return this.#settings.storage !== undefined
  }

  /** The problem of the queue's disk, if it cannot be written. */
  obstacle(): string | undefined {
    return this.#logs.running?.durable?.disk.space.obstacle?.message
  }

  report(): object {
    return this.#logs.report()
  }

  async start(host: Host): Promise<void> {
    const { metrics, id } = this.#created
    const name = formatComponentId(id)
    await this.#logs.start(await this.#storage(host, name))
    const queue = this.#logs.running?.queue
    const fill = { size: () => queue?.size ?? 0, capacity: () => queue?.capacity ?? 0 }
    this.#unregister = [
      registerLedger(metrics, name, this.ledger, fill),
      registerMetrics(metrics, name, this.#logs, this.#settings.pricePerGb),
    ]
  }

  async #storage(host: Host, name: string): Promise<Storage | undefined> {
    const { storage: id } = this.#settings
    if (id === undefined) return undefined
    const extension = host.extension(id)
    if (!isQueueStorage(extension))
      throw new ComponentError(
        `sending_queue.storage: ${id} is not an active storage extension: define file_storage under extensions and name it in service.extensions`,
      )
    const claimed = await extension.claim(name)
    const capacityBytes = Math.floor(claimed.capacityBytes * this.#created.siblings.share)
    return { directory: { ...claimed, capacityBytes }, fatal: (error) => host.fatal(error) }
  }

  async check(): Promise<readonly string[]> {
    const isKnown = await this.#logs.check()
    return isKnown ? [] : ['region: none is set: the profile and instance metadata are queried for it at start']
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    await this.#logs.shutdown(signal)
    for (const unregister of this.#unregister) unregister()
    this.#unregister = []
  }

  reserve(request: LogsRequest): Reservation | Retry | Refused {
    return this.#logs.reserve(request)
  }

  earlyRefusal(requestBytes: number, heldBytes: number): Retry | undefined {
    return this.#logs.earlyRefusal(requestBytes, heldBytes)
  }
}
