import type { Logger } from '../telemetry/logger.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { Siblings } from './siblings.ts'
import type { ComponentId } from './id.ts'

/**
 * Lifecycle of everything that can be named in the YAML.
 *
 * - Creating is pure wiring: no socket, no timer, no file. `start` opens; downstream components start first.
 * - `shutdown` stops intake, drains until the signal aborts, and closes. It is safe unstarted, twice, and after a failed
 *   start; it never rejects for work left undone (that is counted and logged), only for a defect.
 * - After `shutdown` resolves, no timer, socket or promise of the component is left, so the process ends by itself.
 */
export interface Component {
  /** @throws ComponentError when the component cannot do its work: the daemon stops what had started and exits 1. */
  start(host: Host): Promise<void>
  shutdown(signal: AbortSignal): Promise<void>
  /**
   * Checks without opening anything, and without a network, whether `start` would fail here: a directory that is missing, a
   * variable that cannot be used. For `validate`.
   * @returns what only a start can show, one sentence each
   * @throws ComponentError with what `start` would throw
   */
  check?(): Promise<readonly string[]>
  /**
   * For extensions: true when every component has started, false as soon as the daemon begins to stop (the collector's
   * PipelineWatcher).
   */
  pipelineReady?(ready: boolean): void
}

/** What a running component may ask of the process around it. */
export interface Host {
  /** Another component, by id as written in the YAML; undefined where there is none. */
  extension(id: string): Component | undefined
  /** A running component found that it cannot go on: the daemon logs it, shuts down and exits 1. */
  fatal(error: Error): void
  /** What keeps an exporter from taking records for now (a full disk), for probes; undefined while nothing does. */
  obstacle?(): string | undefined
}

/** What every `create` is handed. */
export interface ComponentSettings<Config> {
  readonly id: ComponentId
  readonly config: Config
  /** Already names the component. */
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  /** The one byte budget of the process. */
  readonly budget: ByteBudget
  readonly build: BuildInfo
  /** The same component in other processes of this daemon. */
  readonly siblings: Siblings
}

export interface BuildInfo {
  readonly name: string
  readonly version: string
}

/** An error an operator can act on: what, where, and what to do instead. Carries its cause. */
export class ComponentError extends Error {
  override readonly name = 'ComponentError'
}
