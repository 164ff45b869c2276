import type { Account } from '../../store/account.ts'
import { readEntity } from '../../request/entity.ts'
import { judge, readEvents, type Judgement } from '../../request/event-batch.ts'
import type { Input } from '../../request/input.ts'
import { GROUP_NAME, STREAM_NAME } from '../../request/names.ts'
import { EVENT_OVERHEAD_BYTES, type InputLogEvent, nextSequenceToken } from '../../store/store.ts'

interface PutLogEventsAnswer {
  nextSequenceToken?: string
  rejectedLogEventsInfo?: {
    tooNewLogEventStartIndex?: number
    tooOldLogEventEndIndex?: number
    expiredLogEventEndIndex?: number
  }
  rejectedEntityInfo?: { errorType: string }
}

/** Stores the events inside the time windows and returns the indices of the others; not idempotent, as in AWS. */
export async function putLogEvents(input: Input, account: Account): Promise<object> {
  const groupName = input.requiredText('logGroupName', GROUP_NAME)
  const streamName = input.requiredText('logStreamName', STREAM_NAME)
  input.text('sequenceToken', { min: 1 }) // ignored since 2023
  const rejectedEntity = readEntity(input)
  const { events, bytes } = readEvents(input)
  const stream = account.store.stream(groupName, streamName)

  const now = account.now()
  const judgement = judge(events, now, stream.group.retentionInDays)
  const good = inside(events, judgement)
  const answer: PutLogEventsAnswer = {}
  if (good.length > 0) {
    const size = good.length === events.length ? bytes : countedBytes(good)
    const batch = account.store.append(stream, good, size, now)
    account.onStored(batch)
    await account.journal.appended(batch)
    answer.nextSequenceToken = nextSequenceToken(batch)
  }
  if (good.length < events.length) answer.rejectedLogEventsInfo = rejection(judgement, events.length)
  if (rejectedEntity !== undefined) answer.rejectedEntityInfo = { errorType: rejectedEntity }
  return answer
}

function inside(events: readonly InputLogEvent[], { tooOldEnd, expiredEnd, tooNewStart }: Judgement) {
  const start = Math.max(tooOldEnd, expiredEnd)
  return start === 0 && tooNewStart === events.length ? events : events.slice(start, tooNewStart)
}

function rejection({ tooOldEnd, expiredEnd, tooNewStart }: Judgement, count: number) {
  return {
    ...(tooNewStart < count && { tooNewLogEventStartIndex: tooNewStart }),
    ...(tooOldEnd > 0 && { tooOldLogEventEndIndex: tooOldEnd }),
    ...(expiredEnd > 0 && { expiredLogEventEndIndex: expiredEnd }),
  }
}

function countedBytes(events: readonly InputLogEvent[]): number {
  return events.reduce((sum, event) => sum + Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES, 0)
}
