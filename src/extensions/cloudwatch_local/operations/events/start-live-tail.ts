import { randomUUID } from 'node:crypto'
import { invalidParameter, ServiceError } from '../../answer/service-error.ts'
import { compileFilterPattern } from '../../filter/filter-pattern.ts'
import { LiveTailSession } from '../../live-tail/session.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_IDENTIFIER, groupOfArn, STREAM_NAME } from '../../request/names.ts'
import type { Account } from '../../store/account.ts'

/** StartLiveTail: "You can include up to 10 log groups". */
const MAX_GROUPS = 10
/** Concurrent sessions of an account and Region (the quota page). */
const MAX_SESSIONS = 15

/** Starts a session that answers with an event stream. */
export function startLiveTail(input: Input, { store, id }: Account): LiveTailSession {
  const identifiers = input.texts('logGroupIdentifiers', { min: 1, max: MAX_GROUPS }, GROUP_IDENTIFIER)
  if (identifiers === undefined) input.missing('logGroupIdentifiers')
  const streamNames = input.texts('logStreamNames', { min: 1, max: 100 }, STREAM_NAME)
  const streamPrefixes = input.texts('logStreamNamePrefixes', { min: 1, max: 100 }, STREAM_NAME)
  const pattern = input.text('logEventFilterPattern', { max: 1024 })
  input.check()
  const groups = new Set((identifiers ?? []).map((identifier) => groupOfArn(identifier)))
  if (streamNames !== undefined && streamPrefixes !== undefined)
    throw invalidParameter('logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.')
  if ((streamNames ?? streamPrefixes) !== undefined && groups.size > 1)
    throw invalidParameter('logStreamNames and logStreamNamePrefixes can be specified for one log group only.')
  for (const group of groups)
    if (store.group(group).logGroupClass !== 'STANDARD')
      throw new ServiceError('InvalidOperationException', 'Live Tail supports only log groups of the class STANDARD.')
  if (store.watchers.size >= MAX_SESSIONS) throw new ServiceError('LimitExceededException', 'Resource limit exceeded.')
  return new LiveTailSession(store, {
    requestId: randomUUID(),
    identifiers: identifiers ?? [],
    groups,
    streamNames,
    streamPrefixes,
    pattern,
    matches: compileFilterPattern(pattern ?? ''),
    accountId: id,
  })
}
