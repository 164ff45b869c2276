// What is sent, in which variations. A row's letter in the plan of the benchmarks stands before its description.

export const PROTOCOLS = ['http', 'grpc', 'json'] as const
export const QUEUES = ['memory', 'disk'] as const
/** Records a second; `max` is as fast as the target takes them. */
export const RATES = ['max', '5000', '20000', '40000'] as const

export type Protocol = (typeof PROTOCOLS)[number]
export type Queue = (typeof QUEUES)[number]

export interface Traffic {
  /** Requests under way at once, each on a connection of its own. */
  readonly inFlight: number
  /** Records of a request, each size in turn. */
  readonly sizes: readonly number[]
  /** Resources of a request, which share its records evenly. */
  readonly resources: number
  /** Log streams in all. */
  readonly streams: number
  /** short: 160 characters of text. long: maps, CJK text and stack traces of 8 KB, in turn. */
  readonly bodies: 'short' | 'long'
  readonly gzip: boolean
}

export interface Row {
  readonly about: string
  readonly traffic: Traffic
  /** ms until the sink answers a put. */
  readonly putLatencyMs: number
  /** Puts at once; undefined leaves the target's default. */
  readonly consumers?: number
  readonly rawLog: boolean
  readonly protocols: readonly Protocol[]
  readonly queues: readonly Queue[]
  /** The first is measured in every protocol and queue; the others in the first protocol and queue alone. */
  readonly rates: readonly string[]
  /** Seconds of warm-up and of measuring below which the row says nothing. */
  readonly leastSeconds: number
}

const BATCH: Row = {
  about: '(a) 512 records a request, 8 in flight',
  traffic: { inFlight: 8, sizes: [512], resources: 1, streams: 1, bodies: 'short', gzip: false },
  putLatencyMs: 0,
  rawLog: false,
  protocols: PROTOCOLS,
  queues: QUEUES,
  rates: RATES,
  leastSeconds: 0,
}
const ONE: Pick<Row, 'protocols' | 'queues'> = { protocols: ['http'], queues: ['memory'] }
/** A lane of 10,000 is flushed every 20 s, so that all of them stay under 500 puts a second. */
const LANES: Row = {
  ...BATCH,
  ...ONE,
  about: '(g) 10,000 streams, each request has 50 of them',
  traffic: { ...BATCH.traffic, sizes: [50], resources: 50, streams: 10_000 },
  rates: ['5000'],
  leastSeconds: 45,
}

export const ROWS: Readonly<Record<string, Row>> = {
  batch: BATCH,
  sdk: {
    ...BATCH,
    about: '(b) 1 to 20 records a request, gzip, 200 connections',
    traffic: { ...BATCH.traffic, inFlight: 200, sizes: Array.from({ length: 20 }, (_, i) => i + 1), gzip: true },
    queues: ['memory'],
  },
  senders: {
    ...BATCH,
    about: '(b) 64 records a request, 64 in flight: what a queue on disk costs many senders',
    traffic: { ...BATCH.traffic, inFlight: 64, sizes: [64] },
    protocols: ['http', 'grpc'],
    rates: ['max', '20000'],
  },
  text: {
    ...BATCH,
    ...ONE,
    about: '(c) maps, CJK text and stack traces of 8 KB, 96 records a request',
    traffic: { ...BATCH.traffic, sizes: [96], bodies: 'long' },
  },
  mixed: {
    ...BATCH,
    ...ONE,
    about: '(d) 100 streams in each request of 500 records',
    traffic: { ...BATCH.traffic, sizes: [500], resources: 100, streams: 100 },
  },
  overloaded: {
    ...BATCH,
    protocols: ['http', 'grpc'],
    queues: ['memory'],
    rates: ['max'],
    about: '(h) as batch, one put at a time: some of the requests are refused',
    consumers: 1,
  },
  slow: { ...BATCH, ...ONE, about: '(e) as batch, puts take 20 ms', putLatencyMs: 20 },
  raw: { ...BATCH, about: '(f) as batch, the body only (raw_log)', rawLog: true, queues: ['memory'] },
  lanes: LANES,
  lane: { ...LANES, about: '(g) the same records into one stream', traffic: { ...LANES.traffic, streams: 1 } },
}

/** Rows of the quick mode. */
export const QUICK_ROWS: readonly string[] = ['batch', 'sdk', 'senders']

export interface Case {
  readonly row: string
  readonly protocol: Protocol
  readonly queue: Queue
  readonly rate: string
}

export interface Wanted {
  readonly rows: readonly string[]
  /** Each undefined: what the row has. */
  readonly protocols: readonly Protocol[] | undefined
  readonly queues: readonly Queue[] | undefined
  readonly rates: readonly string[] | undefined
}

/** The cases of the rows; where nothing is asked for, fixed rates are measured with one protocol and queue alone. */
export function plan({ rows, protocols, queues, rates }: Wanted): Case[] {
  const cases: Case[] = []
  for (const row of rows) {
    const { protocols: ownProtocols, queues: ownQueues, rates: ownRates } = rowNamed(row)
    for (const protocol of protocols ?? ownProtocols)
      for (const queue of queues ?? ownQueues)
        for (const rate of rates ?? ownRates) {
          const first = protocol === (protocols ?? ownProtocols)[0] && queue === (queues ?? ownQueues)[0]
          if (rates !== undefined || first || rate === ownRates[0]) cases.push({ row, protocol, queue, rate })
        }
  }
  return cases
}

/** @throws Error naming the rows there are */
export function rowNamed(name: string): Row {
  const row = ROWS[name]
  if (row === undefined) throw new Error(`no row ${name}: write ${Object.keys(ROWS).join(', ')} or start`)
  return row
}
