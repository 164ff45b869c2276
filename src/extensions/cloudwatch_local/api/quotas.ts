import { throttled } from '../answer/service-error.ts'

/** Calls a second for one account and region (facts 1.1, the quota page). Operations that are not named have none here. */
export const AWS_QUOTAS: Readonly<Record<string, number>> = {
  PutLogEvents: 5_000,
  CreateLogGroup: 10,
  CreateLogStream: 50,
  DescribeLogGroups: 10,
  DescribeLogStreams: 25,
  PutRetentionPolicy: 5,
  TagResource: 5,
}

interface Bucket {
  readonly perSecond: number
  tokens: number
  filledAt: number
}

/** One token bucket an operation: a second's worth at once, then the rate. */
export class Quotas {
  readonly #buckets = new Map<string, Bucket>()
  readonly #now: () => number

  /** @param now ms, of a clock that does not jump */
  constructor(perSecond: Readonly<Record<string, number>>, now: () => number) {
    this.#now = now
    for (const [operation, rate] of Object.entries(perSecond))
      this.#buckets.set(operation, { perSecond: rate, tokens: rate, filledAt: now() })
  }

  /** @throws ServiceError ThrottlingException when the second is used up */
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
