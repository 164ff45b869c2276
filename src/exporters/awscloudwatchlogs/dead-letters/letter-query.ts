// What may be asked about dead letters: the same rules on the command line and on the control socket of a daemon.

import * as z from 'zod'
import { ComponentError } from '../../../component/component.ts'
import { REJECTED_REASONS } from '../../../accounting/outcome.ts'
import type { LetterFilter } from '../../../delivery/dead-letters/dead-letters.ts'
import { MAX_NAME_LENGTH } from '../limits.ts'
import { legalName } from '../route/template.ts'

/** Every reason a letter may have. */
export const LETTER_REASONS = [...REJECTED_REASONS, 'expired'] as const

/** A time without its zone would be another one in the daemon than on the command line. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/
/** ms since the epoch, from September 2001 on: fewer digits are something else, such as a year or seconds. */
const EPOCH_MS = /^\d{13}$/

const group = z.string().refine((name) => name !== '' && legalName('group', name) === name, {
  error: ({ input }) =>
    `${JSON.stringify(input)} is no name of a log group: write 1 to ${MAX_NAME_LENGTH} letters, digits and . - _ / #, not beginning with aws/, such as /eks/shop`,
})

const since = z.string().refine((text) => !Number.isNaN(timeOf(text)), {
  error: ({ input }) =>
    `${JSON.stringify(input)} is not a time: write 2026-11-21T10:00:00Z, 2026-11-21 for its beginning in UTC, or ms since the epoch`,
})

export const letterQuerySchema = z.strictObject({
  id: z.string().exactOptional(),
  reason: z
    .enum(LETTER_REASONS, {
      error: ({ input }) =>
        `${JSON.stringify(input)} is no reason of dead letters: write one of ${LETTER_REASONS.join(', ')}`,
    })
    .exactOptional(),
  group: group.exactOptional(),
  since: since.exactOptional(),
})
export type LetterQuery = z.output<typeof letterQuerySchema>

export const replayQuerySchema = letterQuerySchema.extend({
  /** Another log group; the stream stays. */
  to: group.exactOptional(),
  /** Store the events under the present time; their own is kept in them as `original_timestamp`. */
  restamp: z.boolean().exactOptional(),
})
export type ReplayQuery = z.output<typeof replayQuerySchema>

/** What is wrong with a query: of each key that is, why. */
export interface QueryProblem {
  readonly key: string
  readonly message: string
}

export function checkQuery<Query>(
  schema: z.ZodType<Query>,
  asked: unknown,
): { readonly query: Query } | { readonly problems: readonly QueryProblem[] } {
  const { data, error } = schema.safeParse(asked)
  if (error === undefined) return { query: data }
  return { problems: error.issues.map(({ path, message }) => ({ key: path.join('.'), message })) }
}

/** @throws ComponentError with all that is wrong with it */
export function parseQuery<Query>(schema: z.ZodType<Query>, asked: unknown): Query {
  const checked = checkQuery(schema, asked)
  if ('query' in checked) return checked.query
  throw new ComponentError(checked.problems.map(({ key, message }) => `${key}: ${message}`).join('; '))
}

export function filterOf({ id, reason, group: lane, since: from }: LetterQuery): LetterFilter {
  return {
    ...(id === undefined ? {} : { id }),
    ...(reason === undefined ? {} : { reason }),
    ...(lane === undefined ? {} : { lane }),
    ...(from === undefined ? {} : { sinceMs: timeOf(from) }),
  }
}

/** @returns ms since the epoch; NaN for what is no time */
function timeOf(text: string): number {
  if (EPOCH_MS.test(text)) return Number(text)
  return ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
}
