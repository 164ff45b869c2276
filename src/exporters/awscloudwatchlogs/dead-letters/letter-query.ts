// Queries about dead letters, with the same rules on the command line and on a daemon's control socket.

import * as z from 'zod'
import { ComponentError } from '../../../component/component.ts'
import { REJECTED_REASONS } from '../../../accounting/outcome.ts'
import type { LetterFilter } from '../../../delivery/dead-letters/dead-letters.ts'
import { MAX_NAME_LENGTH } from '../limits.ts'
import { legalName } from '../route/template.ts'

/** Every reason a letter may have. */
export const LETTER_REASONS = [...REJECTED_REASONS, 'expired'] as const

/** The zone is required: without it the daemon might read another time than the command line. */
const ISO_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/
/** ms since the epoch, from September 2001 on: fewer digits would be a year or seconds. */
const EPOCH_MS = /^\d{13}$/

const group = z.string().refine((name) => name !== '' && legalName('group', name) === name, {
  error: ({ input }) =>
    `${JSON.stringify(input)} is not a log group name: write 1 to ${MAX_NAME_LENGTH} letters, digits and . - _ / #, not beginning with aws/, such as /eks/shop`,
})

const since = z.string().refine((text) => !Number.isNaN(timeOf(text)), {
  error: ({ input }) =>
    `${JSON.stringify(input)} is not a time: write 2026-11-21T10:00:00Z, 2026-11-21 for the start of that day in UTC, or ms since the epoch`,
})

export const letterQuerySchema = z.strictObject({
  id: z.string().exactOptional(),
  reason: z
    .enum(LETTER_REASONS, {
      error: ({ input }) =>
        `${JSON.stringify(input)} is not a reason of dead letters: write one of ${LETTER_REASONS.join(', ')}`,
    })
    .exactOptional(),
  group: group.exactOptional(),
  since: since.exactOptional(),
})
export type LetterQuery = z.output<typeof letterQuerySchema>

export const replayQuerySchema = letterQuerySchema.extend({
  /** Another log group; the stream stays the same. */
  to: group.exactOptional(),
  /** Store the events under the current time; their own is kept as `original_timestamp`. */
  restamp: z.boolean().exactOptional(),
})
export type ReplayQuery = z.output<typeof replayQuerySchema>

/** An invalid key of a query, and why. */
export interface QueryProblem {
  readonly key: string
  readonly message: string
}

export function checkQuery<Query>(
  schema: z.ZodType<Query>,
  input: unknown,
): { readonly query: Query } | { readonly problems: readonly QueryProblem[] } {
  const { data, error } = schema.safeParse(input)
  if (error === undefined) return { query: data }
  return { problems: error.issues.map(({ path, message }) => ({ key: path.join('.'), message })) }
}

/** @throws ComponentError with all problems of the query */
export function parseQuery<Query>(schema: z.ZodType<Query>, input: unknown): Query {
  const checked = checkQuery(schema, input)
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

/** @returns Returns ms since the epoch; NaN if the text is not a time */
function timeOf(text: string): number {
  if (EPOCH_MS.test(text)) return Number(text)
  return ISO_TIME.test(text) ? Date.parse(text) : Number.NaN
}
