import { ComponentError, type Component, type Host } from '../component/component.ts'
import { describeError } from '../telemetry/describe-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Deadline, endsWithin } from './deadline.ts'

export interface Member {
  /** `service` is the daemon's own: it starts first and stops last. `workers` have the pipelines, where it has none itself. */
  readonly kind: 'service' | 'extension' | 'exporter' | 'receiver' | 'workers'
  /** As written in the config. */
  readonly id: string
  readonly component: Component
  readonly logger: Logger
}

export interface LifecycleSettings {
  /** In start order. */
  readonly members: readonly Member[]
  /** ms for everything that `stop` does. */
  readonly shutdownTimeoutMs: number
  /** What each member may ask for. */
  readonly host: (member: Member) => Host
}

/** Part of the timeout that receivers have to finish their requests; the rest is left for exporters to drain. */
const INTAKE_SHARE = 0.25

/** Starts members downstream first and stops them upstream first. */
export class Lifecycle {
  readonly #settings: LifecycleSettings
  readonly #started: Member[] = []
  /** What `start` waits for right now. */
  #current: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(settings: LifecycleSettings) {
    this.#settings = settings
  }

  /** @throws ComponentError naming the member that did not start; it and those before it are left for `stop` */
  async start(): Promise<void> {
    for (const member of this.#settings.members) {
      if (this.#stopping) throw new ComponentError(`stopped before ${nameOf(member)} had started`)
      this.#started.push(member)
      try {
        this.#current = member.component.start(this.#settings.host(member))
        await this.#current
      } catch (cause) {
        throw new ComponentError(`${nameOf(member)}: ${describeError(cause)}`, { cause })
      }
    }
    if (this.#stopping) throw new ComponentError('stopped before the pipelines were ready')
    this.#tellReady(true)
  }

  /** Call once; never rejects. A member that does not stop is left behind with an error line. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#tellReady(false)
    const all = new Deadline(this.#settings.shutdownTimeoutMs)
    // One client that never finishes its request must not use up the time in which acknowledged records are sent.
    const intake = new Deadline(this.#settings.shutdownTimeoutMs * INTAKE_SHARE)
    try {
      // A member that was starting is stopped like the others; why it failed is for `start` to say.
      await endsWithin(
        this.#current.catch(() => {}),
        intake.signal,
      )
      await this.#stopTogether('receiver', intake.signal)
      await this.#stopTogether('exporter', all.signal)
      // They have receivers and exporters, and share the time out as is done here.
      await this.#stopTogether('workers', all.signal)
      await this.#stopInTurn('extension', all.signal)
      await this.#stopInTurn('service', all.signal)
    } finally {
      intake.clear()
      all.clear()
    }
  }

  async #stopTogether(kind: Member['kind'], signal: AbortSignal): Promise<void> {
    await Promise.all(this.#startedOf(kind).map((member) => stopMember(member, signal)))
  }

  async #stopInTurn(kind: Member['kind'], signal: AbortSignal): Promise<void> {
    for (const member of this.#startedOf(kind).toReversed()) await stopMember(member, signal)
  }

  #startedOf(kind: Member['kind']): Member[] {
    return this.#started.filter((member) => member.kind === kind)
  }

  #tellReady(ready: boolean): void {
    for (const { component } of this.#startedOf('extension')) component.pipelineReady?.(ready)
  }
}

async function stopMember({ component, logger }: Member, signal: AbortSignal): Promise<void> {
  try {
    if (!(await endsWithin(component.shutdown(signal), signal))) logger.error('did not stop in time and is left behind')
  } catch (error) {
    logger.error('shutdown failed', { error })
  }
}

export function nameOf({ kind, id }: Member): string {
  return kind === id ? id : `${kind} ${id}`
}
