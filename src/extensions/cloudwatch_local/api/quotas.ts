import { throttled } from '../answer/service-error.ts'

/** Calls per second for one account and region (facts 1.1, the quota page). Other operations have no quota here. */
export const AWS_QUOTAS: Readonly<Record<string, number>> = {
  PutLogEvents: 5_000,
  CreateLogGroup: 10,
  CreateLogStream: 50,
  DescribeLogGroups: 10,
  DescribeLogStreams: 25,
  PutRetentionPolicy: 5,
  StartLiveTail: 5,
  TagResource: 5,
}

interface Bucket {
  readonly perSecond: number
  tokens: number
  filledAt: number
}

/** A token bucket for each operation: a burst of one second's calls, then the rate. */
export class Quotas {
  readonly #buckets = new Map<string, Bucket>()
  readonly #now: () => number

  /** @param now ms of a monotonic clock */
  constructor(perSecond: Readonly<Record<string, number>>, now: () => number) {
    this.#now = now
    for (const [operation, rate] of Object.entries(perSecond))
      this.#buckets.set(operation, { perSecond: rate, tokens: rate, filledAt: now() })
  }

  /** @throws ServiceError ThrottlingException if no token is left */
  take(operation: string): void {
    const bucket = this.#buckets.get(operation)
    if (bucket === undefined) return
    const now = this.#now()
    const refill = (Math.max(0, now - bucket.filledAt) / 1_000) * bucket.perSecond
    bucket.tokens = Math.min(bucket.perSecond, bucket.tokens + refill)
    bucket.filledAt = now
    if (bucket.tokens < 1) throw throttled()
    bucket.tokens -= 1
  }
}
