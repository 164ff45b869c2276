import type { Answer } from '../answer/answer.ts'
import type { DecidingFault, FaultedCall } from './faults.ts'
import { ServiceError } from '../answer/service-error.ts'
import { nextSequenceToken, type Store } from '../store/store.ts'

/** Returns the response of a fault that replaces the operation; undefined if the operation is performed. */
export function insteadOf(fault: DecidingFault, call: FaultedCall, store: Store): Answer | undefined {
  switch (fault.kind) {
    case 'error':
      return { kind: 'failed', error: fault.error }
    case 'poison':
      return failed('InvalidParameterException', 'One of the log events is not accepted.')
    case 'sequence_token':
      return wrongToken(call, store)
    case 'garbage':
      return fault
    case 'reject_all':
      return { kind: 'done', body: { rejectedLogEventsInfo: rejection(fault.as, call) } }
    case 'cut':
      return fault.when === 'before' ? { kind: 'cut' } : undefined
    case 'already_accepted':
    case 'no_sequence_token':
      return undefined
  }
}

/** Returns the response of a performed operation, as changed by a fault. */
export function afterwards(fault: DecidingFault, body: object | undefined): Answer {
  if (fault.kind === 'cut') return { kind: 'cut' }
  if (fault.kind === 'already_accepted')
    return failed('DataAlreadyAcceptedException', 'The given batch of log events has already been accepted.')
  if (fault.kind === 'no_sequence_token') return { kind: 'done', body: { ...body, nextSequenceToken: undefined } }
  return { kind: 'done', body }
}

function wrongToken({ group = '', stream = '', sequenceToken }: FaultedCall, store: Store): Answer | undefined {
  const last = store.groups.get(group)?.streams.get(stream)?.batches.at(-1)
  if (last === undefined || sequenceToken === nextSequenceToken(last)) return undefined
  const expected = nextSequenceToken(last)
  return failed(
    'InvalidSequenceTokenException',
    `The given sequenceToken is invalid. The next expected sequenceToken is: ${expected}`,
    { expectedSequenceToken: expected },
  )
}

function rejection(as: 'too_old' | 'too_new' | 'expired', call: FaultedCall): object {
  const count = [...call.messages()].length
  if (as === 'too_new') return { tooNewLogEventStartIndex: 0 }
  return as === 'too_old' ? { tooOldLogEventEndIndex: count } : { expiredLogEventEndIndex: count }
}

function failed(code: string, message: string, members?: Readonly<Record<string, string>>): Answer {
  return { kind: 'failed', error: new ServiceError(code, message, 400, members) }
}
