// Prices of ingestion. AWS publishes no page that a program could read; these are from cost guides of June 2026, and storage,
// queries and Live Tail cost extra.

import { BILLED_GB, STANDARD_USD_PER_GB } from '../../limits.ts'

/** USD per GB ingested into a group of the Infrequent Access class in us-east-1, June 2026. */
export const INFREQUENT_USD_PER_GB = 0.25
export const PRICES_OF = 'us-east-1, June 2026'

const EVENTS = 1_000_000

/** @param bytes of one event, as CloudWatch counts them */
export function usdPerMillion(bytes: number, usdPerGb: number): number {
  return ((bytes * EVENTS) / BILLED_GB) * usdPerGb
}

export interface Price {
  readonly usdPerGb: number
  /** The origin, for people. */
  readonly source: string
}

/** @param option of the command line @param configured `price_per_gb` @param region of the config; empty: unknown */
export function priceOf(option: number | undefined, configured: number, region: string): Price {
  if (option !== undefined) return { usdPerGb: option, source: '--price' }
  if (configured !== STANDARD_USD_PER_GB) return { usdPerGb: configured, source: 'price_per_gb of the exporter' }
  const other = region !== '' && region !== 'us-east-1' ? `; for ${region} write --price` : ''
  return { usdPerGb: configured, source: `Standard class, ${PRICES_OF}${other}` }
}
