import type { Logger } from '../telemetry/logger.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { ByteBudget } from './byte-budget.ts'
import type { Siblings } from './siblings.ts'
import type { ComponentId } from './id.ts'

/**
 * Lifecycle of every component that the YAML can name.
 *
 * - Creating only wires: it opens no socket, timer or file. `start` opens them; downstream components start first.
 * - `shutdown` stops intake, drains until the signal aborts, and closes. It may be called before `start`, twice, and after a
 *   failed start. It rejects only for a bug, never for unfinished work, which is counted and logged.
 * - After `shutdown` resolves, no timer, socket or promise of the component is left, so the process exits by itself.
 */
export interface Component {
  /** @throws ComponentError if the component cannot work: the daemon stops the started components and exits with 1 */
  start(host: Host): Promise<void>
  shutdown(signal: AbortSignal): Promise<void>
  /**
   * Checks for `validate` whether `start` would fail on this machine (a missing directory, an invalid variable), without
   * opening anything and without a network.
   * @returns conditions that only a start can verify, one sentence each
   * @throws ComponentError with what `start` would throw
   */
  check?(): Promise<readonly string[]>
  /**
   * Notifies an extension: true when every component has started, false as soon as the daemon begins to stop (the
   * collector's PipelineWatcher).
   */
  pipelineReady?(ready: boolean): void
}

/** The services that the daemon offers a running component. */
export interface Host {
  /** Returns an extension by its id as written in the YAML; undefined if there is none. */
  extension(id: string): Component | undefined
  /** Reports that a component cannot continue: the daemon logs the error, shuts down and exits with 1. */
  fatal(error: Error): void
  /** Returns the reason why an exporter takes no records now (a full disk), for probes; undefined if there is none. */
  obstacle?(): string | undefined
}

/** The argument of every `create`. */
export interface ComponentSettings<Config> {
  readonly id: ComponentId
  readonly config: Config
  /** A logger whose lines name the component. */
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  /** The byte budget of the process. */
  readonly budget: ByteBudget
  readonly build: BuildInfo
  /** The same component in other processes of this daemon. */
  readonly siblings: Siblings
}

export interface BuildInfo {
  readonly name: string
  readonly version: string
}

/** An error that an operator can act on: the problem, its place, and what to do instead. Carries its cause. */
export class ComponentError extends Error {
  override readonly name = 'ComponentError'
}
