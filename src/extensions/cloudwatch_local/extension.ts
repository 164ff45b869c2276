import { ComponentError, type Component, type ComponentSettings, type Host } from '../../component/component.ts'
import { counter, gauge, type MetricDefinition } from '../../telemetry/metrics.ts'
import { CloudWatchLocal } from './cloudwatch-local.ts'
import type { CloudWatchLocalConfig } from './config.ts'
import { FirstEvents } from './first-events.ts'
import type { Batch } from './store/store.ts'

/** Minimum ms between eviction warnings: a full store evicts with every put. */
const EVICTION_NOTICE_MS = 60_000

const STORED = counter('otlp_cloudwatch_local_stored_events', 'Events stored, including those dropped later.')
const EVICTED = counter('otlp_cloudwatch_local_evicted_events', 'Events dropped because max_bytes was reached.')
const BYTES = gauge('otlp_cloudwatch_local_bytes', 'Bytes of events kept, as CloudWatch counts them.')
const DEFINITIONS: readonly MetricDefinition[] = [STORED, EVICTED, BYTES]

/** The lifecycle, log lines and metrics of `CloudWatchLocal`. */
export class CloudWatchLocalExtension implements Component {
  readonly #settings: ComponentSettings<CloudWatchLocalConfig>
  readonly #local: CloudWatchLocal
  readonly #firstEvents: FirstEvents
  #unregister: () => void = () => {}
  #noticedAt = -Infinity
  #noticedEvents = 0

  constructor(settings: ComponentSettings<CloudWatchLocalConfig>) {
    this.#settings = settings
    const { config, logger } = settings
    this.#firstEvents = new FirstEvents(config.show_first_events, logger)
    const { host, port } = config.endpoint
    this.#local = new CloudWatchLocal({
      host,
      port,
      region: config.region,
      accountId: config.account_id,
      maxBytes: config.max_bytes,
      keepCalls: 0,
      ...(config.directory !== undefined && { directory: config.directory }),
      onStored: (batch) => this.#firstEvents.show(batch),
      onEvicted: (batch) => this.#noticeEviction(batch),
      onDefect: (error) => logger.error('a request failed with an unexpected error', { error }),
      onDamage: (what) => logger.warn(what),
    })
  }

  /** Its URL, such as `http://localhost:4588`. */
  get url(): string {
    return this.#local.url
  }

  async start(_host: Host): Promise<void> {
    const { config, logger, metrics } = this.#settings
    try {
      await this.#local.up()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new ComponentError(`cannot serve CloudWatch Logs on ${this.url}: ${reason}`, { cause })
    }
    this.#unregister = metrics.register(DEFINITIONS, (emit) => {
      const { storedEvents, evictedEvents, bytes } = this.#local.store
      emit(STORED, {}, storedEvents)
      emit(EVICTED, {}, evictedEvents)
      emit(BYTES, {}, bytes)
    })
    logger.info(
      `a local CloudWatch Logs listens on ${this.url} and accepts any credentials; read a group with: ` +
        'AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local ' +
        `aws logs tail GROUP --follow --region ${config.region} --endpoint-url ${this.url}`,
    )
  }

  async shutdown(_signal: AbortSignal): Promise<void> {
    this.#unregister()
    await this.#local.close()
  }

  #noticeEviction(batch: Batch): void {
    this.#noticedEvents += batch.events.length
    const now = performance.now()
    if (now - this.#noticedAt < EVICTION_NOTICE_MS) return
    this.#settings.logger.warn('max_bytes is reached: the oldest events are dropped', {
      events: this.#noticedEvents,
      max_bytes: this.#settings.config.max_bytes,
    })
    this.#noticedAt = now
    this.#noticedEvents = 0
  }
}
