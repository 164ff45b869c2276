import { logsRequest, type RecordFields, type ScopeFields, type Value } from '../../fakes/logs-request.ts'

/** A stored event, as expectations show it. */
export interface Shown {
  readonly group: string
  /** ms after `FIRST_TIME_MS`, or `now` for any time of the test. */
  readonly at: number | 'now'
  /** Parsed, if it is JSON; then without its resource. */
  readonly message: unknown
}

export interface Difference {
  /** Of config/differences-from-the-go-collector.md, the cell of the Go collector. */
  readonly row: string
  readonly exporter: 'events' | 'raw'
  readonly go: readonly Shown[]
  readonly here: readonly Shown[]
}

/** One request, with a log stream of its own. */
export interface Case {
  readonly name: string
  readonly stream: string
  readonly records: number
  /** A text is OTLP/JSON. */
  readonly request: Uint8Array | string
  /** Keys come in another order than Go's, which is that of their bytes. */
  readonly unsorted?: boolean
  /** Where an exporter is not named the two are the same. */
  readonly differs?: readonly Difference[]
}

/** Some time ago, and yet one that CloudWatch takes. */
export const FIRST_TIME_MS = Date.now() - 3_600_000
/** Parts of a millisecond are left out by both. */
export const at = (ms: number) => BigInt(FIRST_TIME_MS + ms) * 1_000_000n + 999_999n

export const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))

export interface Around {
  /** Beside the case's own `service.instance.id`, after which its stream is named; those of `RESOURCE` if absent. */
  readonly resource?: Readonly<Record<string, Value>>
  readonly scope?: Omit<ScopeFields, 'records'>
}

export const RESOURCE = { 'aws.ecs.cluster.name': 'prod', 'service.name': 'shop' }
export const GROUP = 'prod/shop'

/** Records a millisecond apart, unless they have times. */
export function same(name: string, records: readonly RecordFields[], around: Around = {}): Case {
  const { resource = RESOURCE, scope } = around
  const attributes = Object.entries({ 'service.instance.id': name, ...resource })
  const request = logsRequest({
    // In the order in which Go writes them.
    resource: attributes.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    scopes: [{ ...scope, records: records.map((record, index) => ({ time: at(index), ...record })) }],
  })
  return { name, stream: name, records: records.length, request }
}

export function different(
  name: string,
  records: readonly RecordFields[],
  differs: readonly Difference[],
  around: Around = {},
): Case {
  return { ...same(name, records, around), differs }
}

/** A record with all that the Go collector writes. */
export const EVERY_FIELD: RecordFields = {
  observed: at(5),
  severityNumber: 17,
  severityText: 'ERROR',
  body: 'hello world',
  attributes: { 'a.first': 1n, 'b.second': 'attr2' },
  dropped: 4,
  flags: 257,
  traceId: hex('0102030405060708090a0b0c0d0e0f10'),
  spanId: hex('f1f2f3f4f5f6f7f8'),
}
