import { type Component, ComponentError, type ComponentSettings, type Host } from '../../component/component.ts'
import type { LogsConsumer } from '../../component/consumer.ts'
import { formatComponentId } from '../../component/id.ts'
import { type ClaimedDirectory, isQueueStorage, keysOwner } from '../../component/storage.ts'
import { authenticatorOf } from '../../intake/authenticator-of.ts'
import { emitCounters, METRICS, TransportCounters } from '../../intake/counters.ts'
import { Forward } from '../../intake/forward.ts'
import { HttpDoor } from '../../intake/http/http-door.ts'
import { RefusalLog } from '../../intake/refusals/refusal-log.ts'
import { maxRequestBytes, warnOfConnections, warnOfLimit } from '../../intake/transport.ts'
import { counter, gauge } from '../../telemetry/metrics.ts'
import type { HttpJsonConfig } from './config.ts'
import { Keys } from './keys/keys.ts'
import { ReceiveLogs } from './receive.ts'

const KEYS = gauge('otlp_cloudwatch_receiver_idempotency_keys', 'Idempotency keys that are remembered.')
const EVICTED = counter(
  'otlp_cloudwatch_receiver_idempotency_keys_evicted',
  'Idempotency keys forgotten within 24 hours, for lack of memory.',
)

/** Receives logs as JSON at `POST /logs`. */
export class HttpJsonReceiver implements Component {
  readonly #settings: ComponentSettings<HttpJsonConfig>
  readonly #counters = new TransportCounters()
  readonly #refusals: RefusalLog
  readonly #paths: ReceiveLogs
  readonly #door: HttpDoor
  readonly #name: string
  readonly #maxBytes: number
  /** Ends the wait of a worker for its turn, and the turn itself. */
  readonly #stop = new AbortController()
  #turn: Promise<void> | undefined
  #keys: Keys | undefined
  #unregister = () => {}

  constructor(settings: ComponentSettings<HttpJsonConfig>, next: LogsConsumer) {
    this.#settings = settings
    const { config, logger, budget, siblings, build, id } = settings
    this.#name = formatComponentId(id)
    this.#maxBytes = maxRequestBytes(budget)
    this.#refusals = new RefusalLog('http', this.#counters, logger)
    const door = {
      config,
      where: '',
      speaks: 'JSON over HTTP/1.1',
      limitBytes: Math.min(config.limitBytes, this.#maxBytes),
      budget,
      forward: new Forward(next, this.#counters),
      refusals: this.#refusals,
      otherPort: () => undefined,
      logger,
      shared: siblings.ports && { ports: siblings.ports, receiver: this.#name },
    }
    this.#paths = new ReceiveLogs(door, config, build.version)
    this.#door = new HttpDoor(door, this.#paths)
  }

  /** The port once it is open; the port the system chose if the endpoint has port 0. */
  get port(): number | undefined {
    return this.#door.listener?.port
  }

  async start(host: Host): Promise<void> {
    const { siblings } = this.#settings
    if (siblings.ports === undefined) return this.#open(host)
    // With several workers one of them receives, so that all keys are in one place; if it exits, another one takes over.
    this.#turn = siblings
      .once(`receiver ${this.#name}`, () => this.#takeTurn(host), this.#stop.signal)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) host.fatal(error instanceof Error ? error : new Error(String(error)))
      })
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stop.abort()
    await this.#turn
    await this.#door.shutdown(signal)
    this.#refusals.close()
    this.#unregister()
    await this.#keys?.close()
    this.#keys = undefined
  }

  /** Receives until the shutdown. @returns true: no other worker takes over then, as all of them stop */
  async #takeTurn(host: Host): Promise<boolean> {
    const { signal } = this.#stop
    if (signal.aborted) return true
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await this.#open(host)
    await stopped
    return true
  }

  async #open(host: Host): Promise<void> {
    const { config, logger, budget, metrics } = this.#settings
    warnOfLimit(logger, config.limitBytes, this.#maxBytes)
    warnOfConnections(logger, 'http', config)
    const authenticator = authenticatorOf(config, host, '')
    this.#keys = new Keys(budget, await this.#directory(host), logger)
    await this.#keys.start()
    this.#paths.keys = this.#keys
    await this.#door.start(authenticator)
    const keys = this.#keys
    this.#unregister = metrics.register([...METRICS, KEYS, EVICTED], (emit) => {
      emitCounters(emit, this.#name, 'http', this.#counters, this.#door.listener?.connections ?? 0)
      emit(KEYS, { receiver: this.#name }, keys.size)
      emit(EVICTED, { receiver: this.#name }, keys.evicted)
    })
    logger.info('listening', { http: this.#door.listener?.address ?? '' })
  }

  async #directory(host: Host): Promise<ClaimedDirectory | undefined> {
    const { config, logger } = this.#settings
    if (config.storage === undefined) {
      logger.warn('idempotency keys are kept in memory: a restart forgets them; set storage to keep them on disk')
      return undefined
    }
    const extension = host.extension(config.storage)
    if (isQueueStorage(extension)) return extension.claim(keysOwner(this.#name))
    throw new ComponentError(
      `storage: ${config.storage} is not an active storage extension: define file_storage under extensions and name it in service.extensions`,
    )
  }
}
