// Brings log groups that are written to the state that `log_groups` describes, one call at a time, in the background.
// It shares neither queue, circuit breaker nor backoff with creations and puts, so its faults delay no event.
//
//   written ─▶ due? ─▶ once per group among the workers ─▶ describe ─▶ compare ─▶ change ─▶ due again in an hour
//                ▲                                           └─ denied, throttled ─▶ drift, due again later ─┐
//                └───────────────────────────────────────────────────────────────────────────────────────────┘

import type { Siblings } from '../../../component/siblings.ts'
import { steadyNowMs } from '../../../delivery/contract/steady-clock.ts'
import { type BackoffOptions, backoffMs } from '../../../delivery/faults/backoff.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import { GroupCheck, type CheckResult } from './group-check.ts'
import type { GroupRule, GroupRules, Property } from '../route/group-rules.ts'
import type { CallAws } from '../aws/aws.ts'

/** Maximum groups whose state is kept: about 5 MB. An hour of checks at 4 a second is 14,400. */
const MAX_GROUPS = 10_000
/** Someone may change a group by hand; half of an hour's calls suffice for MAX_GROUPS. */
const RECHECK_MS = 3_600_000
/** A denied call is made again after this time: permissions are changed by people. */
const DENIED_MS = 900_000
/** Lines of the same kind are logged at most once in this time, with the number left out. */
const FOLD_MS = 60_000

export interface DesiredSettings {
  readonly rules: GroupRules
  /** Share of the account's quotas, 0 to 1. */
  readonly share: number
  readonly once: Siblings['once']
  readonly backoff: BackoffOptions
  readonly recheckMs?: number
  readonly deniedMs?: number
}

interface Managed {
  readonly rule: GroupRule
  dueAtMs: number
  failures: number
  /** False: not written since the last check. */
  written: boolean
  drift: readonly Property[]
  error: string
}

export class DesiredGroups {
  readonly #settings: DesiredSettings
  readonly #logger: Logger
  readonly #check: GroupCheck
  readonly #groups = new Map<string, Managed>()
  readonly #stopping = new AbortController()
  readonly #folds = new Map<string, { atMs: number; leftOut: number }>()
  #timer: NodeJS.Timeout | undefined
  #busy = false
  /** After a fault of the account or network, no call is made until then. */
  #pausedUntilMs = 0
  #failures = 0
  /** Control calls that CloudWatch did not carry out. */
  failed = 0
  /** Properties that were changed. */
  changed = 0

  constructor(aws: CallAws, settings: DesiredSettings, logger: Logger) {
    this.#settings = settings
    this.#logger = logger
    this.#check = new GroupCheck(aws, settings.share, this.#stopping.signal)
  }

  /** Groups that differ from their rule and could not be changed. */
  *drift(): Generator<{ readonly group: string; readonly drift: readonly Property[]; readonly error: string }> {
    for (const [group, { drift, error }] of this.#groups) if (drift.length > 0) yield { group, drift, error }
  }

  countDrift(): Map<Property, number> {
    const counts = new Map<Property, number>()
    for (const { drift } of this.#groups.values())
      for (const property of drift) counts.set(property, (counts.get(property) ?? 0) + 1)
    return counts
  }

  /** Called for each put and each creation. */
  written(group: string): void {
    const known = this.#groups.get(group)
    if (known !== undefined) return void (known.written = true)
    const rule = this.#settings.rules.of(group)
    if (rule === undefined || this.#stopping.signal.aborted) return
    if (this.#groups.size >= MAX_GROUPS)
      return this.#log('warn', 'full', 'too many log groups: log_groups is not applied to some', {
        maximum: MAX_GROUPS,
      })
    this.#groups.set(group, { rule, dueAtMs: 0, failures: 0, written: true, drift: [], error: '' })
    this.#pump()
  }

  /** Ends the call in flight and every wait. */
  stop(): void {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    this.#groups.clear()
  }

  #pump(): void {
    if (this.#busy || this.#stopping.signal.aborted) return
    clearTimeout(this.#timer)
    let first: readonly [string, Managed] | undefined
    for (const entry of this.#groups) if (first === undefined || entry[1].dueAtMs < first[1].dueAtMs) first = entry
    if (first === undefined) return
    const waitMs = Math.max(first[1].dueAtMs, this.#pausedUntilMs) - steadyNowMs()
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#pump(), waitMs)
      return
    }
    this.#busy = true
    void this.#bring(...first).finally(() => {
      this.#busy = false
      this.#pump()
    })
  }

  async #bring(group: string, managed: Managed): Promise<void> {
    // Idle groups make room for others; the next put brings them back.
    if (!managed.written) return void this.#groups.delete(group)
    let result: CheckResult | undefined
    const work = async () => {
      result = await this.#check.run(group, managed.rule, (difference) =>
        this.#log('info', difference.property, 'a log group differs from log_groups: changing it', {
          group,
          ...difference,
        }),
      )
      return result.kind === 'checked'
    }
    try {
      await this.#settings.once(`configure ${group}`, work, this.#stopping.signal)
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      result = { kind: 'later', afterMs: 0, error: error instanceof Error ? error.message : String(error) }
    }
    if (!this.#stopping.signal.aborted) this.#settle(group, managed, result)
  }

  /** @param result undefined: another worker has just checked the group */
  #settle(group: string, managed: Managed, result: CheckResult | undefined): void {
    const { backoff, recheckMs = RECHECK_MS, deniedMs = DENIED_MS } = this.#settings
    const now = steadyNowMs()
    if (result?.kind === 'missing') return void this.#groups.delete(group)
    if (result?.kind === 'later') {
      this.failed++
      managed.error = result.error
      managed.dueAtMs = now + backoffMs(backoff, ++managed.failures, result.afterMs, false)
      this.#pausedUntilMs = now + backoffMs(backoff, ++this.#failures, result.afterMs, false)
      return this.#log('warn', 'later', 'log groups cannot be checked or changed now; trying again', {
        group,
        error: result.error,
      })
    }
    this.#failures = managed.failures = 0
    managed.written = false
    managed.dueAtMs = now + recheckMs
    if (result === undefined) return
    this.changed += result.changed
    managed.drift = result.failed.map(({ property }) => property)
    managed.error = result.failed.map(({ error }) => error).join('; ')
    if (result.failed.length === 0) return
    this.failed += result.failed.length
    managed.written = true
    managed.dueAtMs = now + deniedMs
    for (const { property, action, error } of result.failed)
      this.#log('error', `failed ${property}`, 'a log group differs from log_groups and could not be changed', {
        group,
        property,
        action,
        error,
      })
  }

  #log(level: 'info' | 'warn' | 'error', kind: string, message: string, fields: object): void {
    const now = steadyNowMs()
    const fold = this.#folds.get(kind)
    if (fold !== undefined && now - fold.atMs < FOLD_MS) return void fold.leftOut++
    this.#folds.set(kind, { atMs: now, leftOut: 0 })
    this.#logger[level](message, { ...fields, ...(fold !== undefined && fold.leftOut > 0 && { more: fold.leftOut }) })
  }
}
