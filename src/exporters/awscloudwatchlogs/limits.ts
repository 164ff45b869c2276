// The limits of CloudWatch Logs, from the API model of PutLogEvents (2014-03-28) and the quota page of the user guide.

/** Counted per event in addition to the UTF-8 bytes of its message. */
export const EVENT_OVERHEAD_BYTES = 26
/** Maximum counted bytes in one PutLogEvents. */
export const MAX_BATCH_BYTES = 1_048_576
export const MAX_BATCH_EVENTS = 10_000
/** Maximum message: a single event must fit a batch. (256 KiB until April 2025.) */
export const MAX_MESSAGE_BYTES = MAX_BATCH_BYTES - EVENT_OVERHEAD_BYTES
/** The events of one call may span at most 24 hours; 1 ms less avoids the edge. */
export const MAX_BATCH_SPAN_MS = 24 * 3_600_000 - 1
/** Maximum age of an event; older ones are rejected individually. */
export const MAX_AGE_MS = 14 * 24 * 3_600_000
/** Maximum time of an event ahead of now; later ones are rejected individually. */
export const MAX_AHEAD_MS = 2 * 3_600_000

/** Maximum length of log group and log stream names. */
export const MAX_NAME_LENGTH = 512

// Calls per second of one daemon: 80 % of the quota of the account and Region, so that others can create something too.
/** CreateLogGroup; the quota is 10. */
export const CREATE_GROUPS_PER_SECOND = 8
/** CreateLogStream; the quota is 50. */
export const CREATE_STREAMS_PER_SECOND = 40
/** PutRetentionPolicy; the quota is 5. */
export const RETENTIONS_PER_SECOND = 4
/** DescribeLogGroups; the quota is 10. */
export const DESCRIBE_GROUPS_PER_SECOND = 8
/** TagResource and PutRetentionPolicy have a quota of 5; for the others AWS documents none, so they get the lowest. */
export const CONTROL_CALLS_PER_SECOND = 4

/** Values that PutRetentionPolicy accepts, in days; 0 means never expire. */
export const RETENTION_DAYS = [
  0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const
export const MAX_TAGS = 50
export const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
export const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u

/** USD per GB ingested in us-east-1, June 2026. */
export const STANDARD_USD_PER_GB = 0.5
/** Bytes of a gigabyte in AWS's billing. */
export const BILLED_GB = 2 ** 30
