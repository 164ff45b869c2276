import { groupNotFound, ServiceError, streamNotFound } from '../answer/service-error.ts'

/** CloudWatch counts an event as the UTF-8 bytes of its message plus 26 (PutLogEvents). */
export const EVENT_OVERHEAD_BYTES = 26
/** Groups and streams cost memory too. AWS allows 1,000,000 groups and any number of streams. */
const MAX_GROUPS = 100_000
const MAX_STREAMS = 200_000

export interface InputLogEvent {
  /** ms since the epoch */
  readonly timestamp: number
  readonly message: string
}

/** The parsed events of one put: sorted by time, numbered from `firstSequence`. */
export interface Batch {
  readonly stream: LogStream
  readonly ingestionTime: number
  readonly firstSequence: number
  readonly events: readonly InputLogEvent[]
  /** Bytes as CloudWatch counts them. */
  readonly bytes: number
}

/** The token that the next put to its stream needed while CloudWatch required tokens; AWS still returns one. */
export function nextSequenceToken({ firstSequence, events }: Batch): string {
  return String(firstSequence + events.length).padStart(56, '4')
}

export interface LogStream {
  readonly group: LogGroup
  readonly name: string
  readonly creationTime: number
  /** In order of arrival; the oldest are evicted first. */
  readonly batches: Batch[]
  firstEventTimestamp: number | undefined
  lastEventTimestamp: number | undefined
  lastIngestionTime: number | undefined
}

export interface LogGroup {
  readonly name: string
  readonly creationTime: number
  readonly logGroupClass: string
  kmsKeyId: string | undefined
  deletionProtectionEnabled: boolean
  readonly tags: Map<string, string>
  readonly streams: Map<string, LogStream>
  retentionInDays: number | undefined
  storedBytes: number
}

export type NewGroup = Pick<LogGroup, 'name' | 'creationTime'> &
  Partial<Pick<LogGroup, 'logGroupClass' | 'kmsKeyId' | 'deletionProtectionEnabled' | 'tags' | 'retentionInDays'>>

/** The ways in which a Live Tail session ends by itself. */
export type SessionEnd = 'SessionTimeoutException' | 'SessionStreamingException'

/** A Live Tail session. */
export interface Watcher {
  /** Called for every put, before its response. Must not throw. */
  stored(batch: Batch): void
  end(how: SessionEnd): void
}

/** Groups, streams and events in memory. Keeps at most `maxBytes` of events; the oldest puts are evicted first. */
export class Store {
  readonly groups = new Map<string, LogGroup>()
  readonly maxBytes: number
  bytes = 0
  /** Since the start, including evicted events. */
  storedEvents = 0
  evictedEvents = 0
  /** Called for each evicted batch. */
  onEvicted: (batch: Batch) => void = () => {}
  readonly watchers = new Set<Watcher>()
  #streams = 0
  #nextSequence = 1
  // Batches in order of arrival; those before `#oldest` and those of deleted streams are removed.
  #arrived: (Batch | undefined)[] = []
  #oldest = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  createGroup(group: NewGroup): LogGroup {
    if (this.groups.has(group.name))
      throw new ServiceError('ResourceAlreadyExistsException', 'The specified log group already exists')
    if (this.groups.size >= MAX_GROUPS) throw new ServiceError('LimitExceededException', 'Resource limit exceeded.')
    const created: LogGroup = {
      name: group.name,
      creationTime: group.creationTime,
      logGroupClass: group.logGroupClass ?? 'STANDARD',
      kmsKeyId: group.kmsKeyId,
      deletionProtectionEnabled: group.deletionProtectionEnabled ?? false,
      tags: group.tags ?? new Map(),
      streams: new Map(),
      retentionInDays: group.retentionInDays,
      storedBytes: 0,
    }
    this.groups.set(created.name, created)
    return created
  }

  createStream(group: LogGroup, name: string, creationTime: number): LogStream {
    if (group.streams.has(name))
      throw new ServiceError('ResourceAlreadyExistsException', 'The specified log stream already exists')
    if (this.#streams >= MAX_STREAMS) throw new ServiceError('LimitExceededException', 'Resource limit exceeded.')
    const stream: LogStream = {
      group,
      name,
      creationTime,
      batches: [],
      firstEventTimestamp: undefined,
      lastEventTimestamp: undefined,
      lastIngestionTime: undefined,
    }
    group.streams.set(name, stream)
    this.#streams += 1
    return stream
  }

  /** @throws ServiceError ResourceNotFoundException */
  group(name: string): LogGroup {
    const group = this.groups.get(name)
    if (group === undefined) throw groupNotFound()
    return group
  }

  /** @throws ServiceError ResourceNotFoundException, for the group or for the stream */
  stream(groupName: string, name: string): LogStream {
    const stream = this.group(groupName).streams.get(name)
    if (stream === undefined) throw streamNotFound()
    return stream
  }

  /** @param events at least one, sorted by time */
  append(stream: LogStream, events: readonly InputLogEvent[], bytes: number, ingestionTime: number): Batch {
    const batch: Batch = { stream, ingestionTime, firstSequence: this.#nextSequence, events, bytes }
    this.restore(batch)
    for (const watcher of this.watchers) watcher.stored(batch)
    return batch
  }

  /** Adds a put of an earlier run. Call in the original order, which is the order of eviction. */
  restore(batch: Batch): void {
    const { stream, events, bytes } = batch
    this.#nextSequence = batch.firstSequence + events.length
    stream.batches.push(batch)
    stream.firstEventTimestamp = Math.min(stream.firstEventTimestamp ?? Infinity, events[0]?.timestamp ?? Infinity)
    stream.lastEventTimestamp = Math.max(stream.lastEventTimestamp ?? 0, events.at(-1)?.timestamp ?? 0)
    stream.lastIngestionTime = batch.ingestionTime
    stream.group.storedBytes += bytes
    this.bytes += bytes
    this.storedEvents += events.length
    this.#arrived.push(batch)
    while (this.bytes > this.maxBytes) this.#evictOldest()
  }

  deleteStream(stream: LogStream): void {
    stream.group.streams.delete(stream.name)
    this.#forget(new Set([stream]))
  }

  deleteGroup(group: LogGroup): void {
    this.groups.delete(group.name)
    this.#forget(new Set(group.streams.values()))
  }

  #forget(streams: ReadonlySet<LogStream>): void {
    this.#streams -= streams.size
    this.#arrived = this.#arrived.filter((batch) => {
      if (batch === undefined) return false
      if (!streams.has(batch.stream)) return true
      batch.stream.group.storedBytes -= batch.bytes
      this.bytes -= batch.bytes
      return false
    })
    this.#oldest = 0
  }

  #evictOldest(): void {
    const batch = this.#arrived[this.#oldest]
    this.#arrived[this.#oldest] = undefined
    this.#oldest += 1
    if (this.#oldest > 1024 && this.#oldest * 2 > this.#arrived.length) {
      this.#arrived = this.#arrived.slice(this.#oldest)
      this.#oldest = 0
    }
    if (batch === undefined) return
    batch.stream.batches.shift()
    batch.stream.group.storedBytes -= batch.bytes
    this.bytes -= batch.bytes
    this.evictedEvents += batch.events.length
    this.onEvicted(batch)
  }
}
