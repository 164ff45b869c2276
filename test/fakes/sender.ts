// A destination without AWS: accepts packs, answers as configured, and keeps the packs.
//
//   const sender = new FakeSender()                           takes everything
//   sender.respond = ({ group }) => group === 'bad' ? denied : taken
//   sender.hold()                                             from now on puts wait: sender.held[0].answer(taken)
//
// A destination is `group/stream`; its scopes are those of CloudWatch.
import { setImmediate } from 'node:timers/promises'
import { itemTime } from '../../src/delivery/contract/items.ts'
import type { Pack } from '../../src/delivery/contract/pack.ts'
import {
  type Prepared,
  type PutOutcome,
  type PutRetry,
  retry,
  type ScopeKind,
  type ScopeName,
  type Sender,
} from '../../src/delivery/contract/sender.ts'
import { packTexts } from './items.ts'

export interface SentPut {
  readonly destination: string
  readonly group: string
  readonly texts: readonly string[]
  readonly times: readonly number[]
  readonly countedBytes: number
  /** performance.now() when it was asked for. */
  readonly atMs: number
}

export interface HeldPut extends SentPut {
  answer(outcome: PutOutcome): void
}

export const taken: PutOutcome = { kind: 'accepted', rejected: [] }

export function refused(message = 'not like this'): PutOutcome {
  return { kind: 'refused', message }
}

/** A fault of a scope; `more` changes what it says. */
export function fault(scope: ScopeKind, more: Partial<PutRetry> = {}): PutRetry {
  return { ...retry({ scope, reason: 'unknown_error', lasting: false }, `the ${scope} is at fault`), ...more }
}

/** Does not pass by itself. */
export const denied: PutRetry = fault('group', { lasting: true, reason: 'access_denied' })

export class FakeSender implements Sender<string> {
  /** Every put, in the order they were asked for. */
  readonly puts: SentPut[] = []
  /** Puts that wait for an answer. */
  readonly held: HeldPut[] = []
  mostAtOnce = 0
  #atOnce = 0
  #holding = false
  respond: (put: SentPut) => PutOutcome = () => taken

  hold(): void {
    this.#holding = true
  }

  /** Answers what waits by `respond`, and from now on at once. */
  resume(): void {
    this.#holding = false
    for (const put of this.held.splice(0)) put.answer(this.respond(put))
  }

  scopes(destination: string): readonly ScopeName[] {
    return [
      { kind: 'endpoint', name: 'endpoint' },
      { kind: 'credential', name: 'credential' },
      { kind: 'account', name: 'account' },
      { kind: 'group', name: groupOf(destination) },
    ]
  }

  async put(destination: string, pack: Pack, signal: AbortSignal): Promise<PutOutcome> {
    const put: SentPut = {
      destination,
      group: groupOf(destination),
      texts: packTexts(pack),
      times: pack.runs.flatMap(({ batch, from, to }) =>
        Array.from({ length: to - from }, (_, i) => (batch.items === undefined ? -1 : itemTime(batch.items, from + i))),
      ),
      countedBytes: pack.countedBytes,
      atMs: performance.now(),
    }
    this.puts.push(put)
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce)
    const outcome = this.#holding ? await this.#held(put, signal) : this.respond(put)
    this.#atOnce--
    return outcome
  }

  /** Creations that were asked for and are not answered yet, by destination. */
  readonly creating = new Map<string, (made: Prepared) => void>()
  /** How often each destination was to be created. */
  readonly created: string[] = []

  prepare(destination: string, signal: AbortSignal): Promise<Prepared> {
    this.created.push(destination)
    return new Promise((resolve) => {
      this.creating.set(destination, resolve)
      signal.addEventListener('abort', () => resolve(fault('stream', { reason: 'shutting_down' })))
    })
  }

  hasten(): void {}

  /** Texts of all puts to a destination, in order. */
  sentTo(destination: string): string[] {
    return this.puts.filter((put) => put.destination === destination).flatMap(({ texts }) => texts)
  }

  #held(put: SentPut, signal: AbortSignal): Promise<PutOutcome> {
    return new Promise((resolve) => {
      this.held.push({ ...put, answer: resolve })
      signal.addEventListener('abort', () => resolve(fault('endpoint', { reason: 'timeout', maybeTaken: true })))
    })
  }
}

/** Lets promises that are settled already come through; no timer is needed for it, faked or not. */
export async function settledPromises(): Promise<void> {
  for (let i = 0; i < 3; i++) await setImmediate()
}

function groupOf(destination: string): string {
  return destination.split('/', 1)[0] ?? ''
}
