// `log_groups`: the state that log groups should have, by pattern, and how a group differs from it.

import { Glob } from '../../../component/glob.ts'

export const PROPERTIES = ['retention', 'tags', 'kms_key', 'log_class', 'deletion_protection'] as const
export type Property = (typeof PROPERTIES)[number]

/** Undefined: leave it as it is. */
export interface GroupState {
  /** Days; 0: never expire. */
  readonly retentionDays: number | undefined
  /** Other tags of the group stay. */
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly kmsKeyId: string | undefined
  /** CloudWatch sets it when it creates a group and never changes it. */
  readonly logGroupClass: 'STANDARD' | 'INFREQUENT_ACCESS' | undefined
  readonly deletionProtection: boolean | undefined
}

export interface GroupRule extends GroupState {
  /** Group names; `*` matches any characters. */
  readonly match: string
}

/** The first rule that matches a group applies. */
export class GroupRules {
  readonly #rules: readonly (readonly [Glob, GroupRule])[]

  constructor(rules: readonly GroupRule[]) {
    this.#rules = rules.map((rule) => [new Glob(rule.match), rule] as const)
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0
  }

  of(group: string): GroupRule | undefined {
    for (const [glob, rule] of this.#rules) if (glob.matches(group)) return rule
    return undefined
  }
}

/** Answers of DescribeLogGroups and ListTagsForResource; `tags` undefined: not known. */
export interface ActualState {
  readonly retentionInDays?: number | undefined
  readonly kmsKeyId?: string | undefined
  readonly logGroupClass?: string | undefined
  readonly deletionProtectionEnabled?: boolean | undefined
  readonly tags: Readonly<Record<string, string>> | undefined
}

export interface Difference {
  readonly property: Property
  readonly actual: string
  readonly desired: string
}

/** @param actual undefined: not known, so that every property may differ, except the class, which cannot be set */
export function differences(rule: GroupState, actual: ActualState | undefined): Difference[] {
  const found: Difference[] = []
  const compare = (property: Property, desired: string | undefined, value: string | undefined) => {
    if (desired !== undefined && desired !== value) found.push({ property, actual: value ?? 'unknown', desired })
  }
  const known = actual !== undefined
  const { retentionDays, tags, kmsKeyId, logGroupClass, deletionProtection } = rule
  compare('retention', text(retentionDays), known ? String(actual.retentionInDays ?? 0) : undefined)
  compare('kms_key', kmsKeyId, known ? (actual.kmsKeyId ?? 'none') : undefined)
  if (known) compare('log_class', logGroupClass, actual.logGroupClass ?? 'STANDARD')
  compare(
    'deletion_protection',
    text(deletionProtection),
    known ? text(actual.deletionProtectionEnabled ?? false) : undefined,
  )
  if (tags !== undefined) {
    const has = actual?.tags
    const missing = Object.entries(tags).filter(([key, value]) => has === undefined || has[key] !== value)
    const value = has === undefined ? undefined : missing.map(([key]) => `${key}=${has[key] ?? ''}`).join(', ')
    if (missing.length > 0) compare('tags', missing.map((pair) => pair.join('=')).join(', '), value)
  }
  return found
}

function text(value: number | boolean | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}
