import { ComponentError, type Component, type Host } from '../component/component.ts'
import { describeError } from '../telemetry/describe-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import { Deadline, endsWithin } from './deadline.ts'

export interface Member {
  /** `service` is part of the daemon itself: it starts first and stops last. `workers` run the pipelines of a parent. */
  readonly kind: 'service' | 'extension' | 'exporter' | 'receiver' | 'workers'
  /** As written in the config. */
  readonly id: string
  readonly component: Component
  readonly logger: Logger
}

export interface LifecycleSettings {
  /** In start order. */
  readonly members: readonly Member[]
  /** ms for all of `stop`. */
  readonly shutdownTimeoutMs: number
  /** Returns the host passed to a member's `start`. */
  readonly host: (member: Member) => Host
}

/** Share of the timeout in which receivers finish their requests; the rest is for exporters to drain. */
const INTAKE_SHARE = 0.25

/** Starts members downstream first and stops them upstream first. */
export class Lifecycle {
  readonly #settings: LifecycleSettings
  readonly #started: Member[] = []
  /** The pending start of one member. */
  #current: Promise<void> = Promise.resolve()
  #stopping = false

  constructor(settings: LifecycleSettings) {
    this.#settings = settings
  }

  /** @throws ComponentError naming the member that did not start; the caller calls `stop` for it and those before it */
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
    this.#setReady(true)
  }

  /** Call once; never rejects. A member that does not stop in time is abandoned and logged. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#setReady(false)
    const all = new Deadline(this.#settings.shutdownTimeoutMs)
    // One client that never finishes its request must not use up the time in which acknowledged records are sent.
    const intake = new Deadline(this.#settings.shutdownTimeoutMs * INTAKE_SHARE)
    try {
      // A member that was starting is stopped like the others; `start` reports why it failed.
      await endsWithin(
        this.#current.catch(() => {}),
        intake.signal,
      )
      await this.#stopTogether('receiver', intake.signal)
      await this.#stopTogether('exporter', all.signal)
      // Workers stop their own receivers and exporters with the same shares of the timeout.
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

  #setReady(ready: boolean): void {
    for (const { component } of this.#startedOf('extension')) component.pipelineReady?.(ready)
  }
}

async function stopMember({ component, logger }: Member, signal: AbortSignal): Promise<void> {
  try {
    if (!(await endsWithin(component.shutdown(signal), signal))) logger.error('did not stop in time: abandoned')
  } catch (error) {
    logger.error('shutdown failed', { error })
  }
}

export function nameOf({ kind, id }: Member): string {
  return kind === id ? id : `${kind} ${id}`
}
