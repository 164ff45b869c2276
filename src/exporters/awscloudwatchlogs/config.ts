import * as z from 'zod'
import { acceptedWithoutEffect, duration, extension, line, path, secretLine, size } from '../../config/schema/fields.ts'
import { parseProxy } from '../../aws/connection/proxy.ts'
import { MAX_BATCH_EVENTS, MAX_MESSAGE_BYTES, MAX_TAGS, RETENTION_DAYS, TAG_KEY, TAG_VALUE } from './limits.ts'
import { type NameKind, parseTemplate } from './route/template.ts'

function nameTemplate(kind: NameKind) {
  return line().superRefine((text, context) => {
    const problem = parseTemplate(kind, text)
    if (typeof problem === 'string') context.addIssue({ code: 'custom', message: problem })
  })
}

/** The name of one place for what has no other; `''` stands for a name made from the others, where `mayBeEmpty`. */
function fixedName(kind: NameKind, mayBeEmpty: boolean) {
  return line().superRefine((text, context) => {
    if (mayBeEmpty && text === '') return
    const parsed = parseTemplate(kind, text)
    const problem = typeof parsed === 'string' ? parsed : parsed.attributes.length > 0 ? PLACEHOLDER : undefined
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
}

const PLACEHOLDER = 'has a placeholder: write one fixed name'

const retention = z.int().refine((days) => (RETENTION_DAYS as readonly number[]).includes(days), {
  error: (issue) =>
    `${String(issue.input)} is not a retention CloudWatch knows: write one of ${RETENTION_DAYS.join(', ')} (0: never expire)`,
})

const tags = z
  .record(
    z
      .string()
      .regex(
        TAG_KEY,
        'has characters a tag key may not have: write 1 to 128 letters, digits, spaces or _ . : / = + - @',
      ),
    z
      .string()
      .regex(
        TAG_VALUE,
        'has characters a tag value may not have: write up to 256 letters, digits, spaces or _ . : / = + - @',
      ),
  )
  .refine((map) => Object.keys(map).length <= MAX_TAGS, `has more than ${MAX_TAGS} tags, the most a log group takes`)

const retryOnFailure = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Off: an event whose put failed is given up at once: a dead letter with a storage, else lost(expired).',
      ),
    initial_interval: duration()
      .prefault('200ms')
      .describe('Bound of the first wait; the wait itself is random below it (full jitter).'),
    randomization_factor: acceptedWithoutEffect(z.number().min(0).max(1), 'waits have full jitter').describe(
      'Of the collector; waits here are random from 0 to their bound.',
    ),
    multiplier: z.number().min(1).default(1.5).describe('How much the bound grows with each failure in a row.'),
    max_interval: duration().prefault('30s').describe('Bound of the longest wait.'),
    max_elapsed_time: duration()
      .optional()
      .describe(
        'Events older than this in the queue are given up: dead letters with a storage, else lost(expired). Unset or 0: tried until CloudWatch would refuse them for their age (14 days).',
      ),
  })
  .prefault({})
  .describe('What happens to events whose put failed.')

const queueBatch = z
  .strictObject({
    flush_timeout: duration().prefault('200ms').describe('Takes the place of flush_interval.'),
    min_size: z
      .int()
      .nonnegative()
      .optional()
      .describe('A put is made as soon as a stream has so much. Unset or 0: max_size.'),
    max_size: z
      .int()
      .nonnegative()
      .optional()
      .describe('Most in a put, within the limits of CloudWatch (10,000 events, 1 MiB); a longer event goes alone.'),
    sizer: z.enum(['items', 'bytes']).default('items').describe('Unit of min_size and max_size.'),
    partition: acceptedWithoutEffect(z.looseObject({}), 'every log stream has a lane of its own').describe(
      'Batches by client metadata.',
    ),
  })
  .optional()
  .describe('The collector batches before the exporter; here it sets how the lanes flush.')

const sendingQueue = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Off: senders are answered when CloudWatch has answered (as wait_for_result).'),
    num_consumers: z.int().min(1).max(1_000).default(10).describe('Puts under way at once, over all destinations.'),
    wait_for_result: z.boolean().default(false).describe('Senders are answered when CloudWatch has answered.'),
    block_on_overflow: acceptedWithoutEffect(
      z.boolean(),
      'a full queue tells senders to wait (503 and UNAVAILABLE with a time), which holds no memory; every OTLP sender repeats',
    ).describe('Senders wait in their call while the queue is full.'),
    sizer: z.enum(['requests', 'items', 'bytes']).default('requests').describe('Unit of queue_size.'),
    queue_size: z
      .int()
      .positive()
      .optional()
      .describe('A bound beside the byte budget, in units of sizer. Unset: the byte budget alone.'),
    storage: extension().optional().describe('Id of a file_storage extension that keeps the queue on disk.'),
    batch: queueBatch,
  })
  .prefault({})
  .describe('What waits between the answer to the sender and the answer of CloudWatch.')

const credentials = z
  .strictObject({
    access_key_id: line().min(1).describe('Access key id.'),
    secret_access_key: secretLine().min(1).describe('Secret access key.'),
    session_token: secretLine().optional().describe('Session token of temporary credentials.'),
  })
  .optional()
  .describe('Static credentials. Leave it out on AWS: the SDK chain finds IRSA, Pod Identity, ECS and instance roles.')

const lateEvents = z
  .strictObject({
    policy: z
      .enum(['dead_letter', 'reject', 'clamp', 'divert'])
      .optional()
      .describe(
        'dead_letter: kept on disk, to be looked at and replayed. reject: told in partial_success. clamp: stored under the nearest time CloudWatch takes. divert: stored in a group of its own under the present time. Both keep original_timestamp in the event (raw_log has no place for it). Unset: dead_letter with a storage, else reject.',
      ),
    log_group_name: fixedName('group', true)
      .default('')
      .describe('With divert: the group. Empty: the prefix of log_group_name and "late".'),
    log_stream_name: fixedName('stream', false).default('late').describe('With divert: the stream.'),
  })
  .prefault({})
  .describe('Events older than 14 days or than the retention of their group, or more than 2 hours ahead.')

const deadLetters = z
  .strictObject({
    max_size: size()
      .prefault('256MiB')
      .pipe(z.number().min(1_048_576))
      .describe('Most bytes on disk; the oldest letters go first.'),
  })
  .prefault({})
  .describe(
    'With sending_queue.storage: events CloudWatch refuses, or that waited too long, are kept on disk with the reason.',
  )

/** Everything that can be written below `awscloudwatchlogs`. Keys of the Go exporter first, then ours. */
export const configSchema = z
  .strictObject({
    log_group_name: nameTemplate('group').describe(
      'Log group; {attribute} stands for a resource or record attribute, or one of the collector’s short names such as {ServiceName}.',
    ),
    log_stream_name: nameTemplate('stream').describe('Log stream, with the same placeholders.'),
    region: line()
      .default('')
      .describe('AWS Region. Empty: AWS_REGION, AWS_DEFAULT_REGION, the profile, then instance metadata.'),
    endpoint: line()
      .default('')
      .describe('URL to send to instead of the Region’s; a host without a scheme means https.'),
    log_retention: retention
      .default(0)
      .describe('Days events are kept, set on groups this exporter creates. 0: for ever.'),
    tags: tags.optional().describe('Tags of groups this exporter creates.'),
    raw_log: z.boolean().default(false).describe('Send the record’s body alone, text as it is.'),
    role_arn: line().default('').describe('Role to assume.'),
    external_id: line().default('').describe('External id for role_arn.'),
    sending_queue: sendingQueue,
    retry_on_failure: retryOnFailure,
    request_timeout_seconds: z.int().positive().default(30).describe('Seconds one put may take.'),
    no_verify_ssl: z
      .boolean()
      .default(false)
      .describe('Do not check the endpoint’s certificate. Warned about at start.'),
    // A proxy's URL may hold a password.
    proxy_address: secretLine()
      .default('')
      .describe(
        'URL of an HTTP proxy for CloudWatch and STS. Empty: HTTPS_PROXY and HTTP_PROXY. NO_PROXY holds for both.',
      ),
    local_mode: acceptedWithoutEffect(
      z.boolean(),
      'instance metadata is asked for a Region only where nothing else names one: write region',
    ).describe('Of the collector: do not ask instance metadata for the Region.'),
    num_workers: acceptedWithoutEffect(z.int(), 'puts under way at once are sending_queue.num_consumers').describe(
      'Workers of the Go exporter.',
    ),
    max_retries: acceptedWithoutEffect(
      z.int(),
      'retries are retry_on_failure alone; the SDK makes one attempt',
    ).describe('Attempts of the AWS SDK for one call.'),
    resource_arn: acceptedWithoutEffect(z.string(), 'the Go exporter does not use it for logs either').describe(
      'ARN of the resource the records are about.',
    ),

    profile: line().default('').describe('Profile of the shared AWS config to take credentials and Region from.'),
    credentials,
    certificate_file_path: path()
      .default('')
      .describe(
        'PEM file of certificate authorities to trust in addition to the usual ones, AWS_CA_BUNDLE and SSL_CERT_FILE.',
      ),
    dualstack: z
      .boolean()
      .optional()
      .describe('Use the endpoint that has IPv6. Unset: AWS_USE_DUALSTACK_ENDPOINT, then the profile.'),
    fips: z.boolean().optional().describe('Use the FIPS endpoint. Unset: AWS_USE_FIPS_ENDPOINT, then the profile.'),
    compression: z
      .enum(['none', 'gzip'])
      .default('none')
      .describe(
        'gzip sends about an eighth of the bytes for more CPU; AWS’s own agent does it, AWS does not document it.',
      ),
    flush_interval: duration().prefault('1s').describe('Longest an event waits for its batch to fill.'),
    max_puts_per_second: z
      .number()
      .positive()
      .default(500)
      .describe('PutLogEvents a second this process makes at most; the account has 5,000.'),
    max_event_bytes: size()
      .prefault(MAX_MESSAGE_BYTES)
      .pipe(z.number().min(256).max(MAX_MESSAGE_BYTES))
      .describe('Longest message. CloudWatch takes 1,048,550 bytes.'),
    on_oversize: z
      .enum(['cut', 'reject'])
      .default('cut')
      .describe('A longer event: cut its longest strings, marked, or reject it as too_large.'),
    on_lane_full: z
      .enum(['park', 'dead_letter', 'reject', 'refuse'])
      .optional()
      .describe(
        'New records for a destination that is stuck and holds over its share of the queue. park: kept in the queue, up to half of it for all such destinations, then rejected. dead_letter: kept as dead letters. reject: told in partial_success as lane_full. refuse: their whole requests wait. Unset: park with a storage, else reject.',
      ),
    allowed_log_groups: z
      .array(z.string().min(1))
      .optional()
      .describe(
        'Patterns with * of groups that may be written. Unset: what begins as log_group_name does before its first placeholder.',
      ),
    route_from_body: z
      .boolean()
      .default(false)
      .describe(
        'With raw_log: a JSON body may name its group and stream (_aws.LogGroupName, log_group_name). Needs allowed_log_groups.',
      ),
    overflow_log_group_name: fixedName('group', true)
      .default('')
      .describe(
        'Group for events whose destination is not allowed or over the cap. Empty: the prefix of log_group_name and "overflow".',
      ),
    overflow_log_stream_name: fixedName('stream', false).default('overflow').describe('Stream for the same.'),
    price_per_gb: z
      .number()
      .nonnegative()
      .default(0.5)
      .describe('USD for a gigabyte ingested, for the estimate in /metrics; 0.50 is the Standard class in us-east-1.'),
    event_id: z
      .boolean()
      .default(false)
      .describe(
        'Each event made of a record has a member "event.id" that no other has. A put whose answer was lost, and a crash, store events twice: `dedup event.id` in a query of a group that is not Infrequent Access shows them once.',
      ),
    gap_markers: z
      .boolean()
      .default(false)
      .describe(
        'When a stream that lost records is written again, one event in it says how many are missing, from when to when, and why. Kept in memory, for 10,000 streams: what a damaged disk lost is in the log alone.',
      ),
    late_events: lateEvents,
    dead_letters: deadLetters,
    max_new_destinations: z
      .int()
      .positive()
      .default(1_000)
      .describe('Log streams first seen within an hour that may be written; more go to the overflow destination.'),
  })
  .superRefine((config, context) => {
    const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (config.external_id !== '' && config.role_arn === '')
      issue(['external_id'], 'is used with role_arn only: write role_arn, or remove it')
    if (config.route_from_body && !config.raw_log)
      issue(['route_from_body'], 'works with raw_log only: write raw_log: true, or remove it')
    if (config.event_id && config.raw_log)
      issue(['event_id'], 'has no place in the body that raw_log sends: remove one of them')
    if (config.route_from_body && config.allowed_log_groups === undefined)
      issue(
        ['route_from_body'],
        'lets whoever writes a log line choose its group: write allowed_log_groups with the groups they may choose',
      )
    if (config.sending_queue.storage === undefined) {
      const needs = 'keeps records on disk: write sending_queue.storage, or '
      const { on_lane_full: full, late_events: late } = config
      if (full === 'park' || full === 'dead_letter') issue(['on_lane_full'], `${full} ${needs}reject`)
      if (late.policy === 'dead_letter') issue(['late_events', 'policy'], `dead_letter ${needs}reject`)
    }
    if (config.endpoint !== '' && (config.dualstack === true || config.fips === true))
      issue([config.fips === true ? 'fips' : 'dualstack'], 'cannot go with endpoint: remove one of them')
    const { max_size, sizer } = config.sending_queue.batch ?? {}
    if (sizer === 'items' && max_size !== undefined && max_size > MAX_BATCH_EVENTS)
      issue(
        ['sending_queue', 'batch', 'max_size'],
        `${max_size} is over ${MAX_BATCH_EVENTS}, the most events of a PutLogEvents: write at most that`,
      )
    const badEndpoint = config.endpoint === '' ? undefined : endpointProblem(config.endpoint)
    if (badEndpoint !== undefined) issue(['endpoint'], badEndpoint)
    const { problem } = config.proxy_address === '' ? {} : parseProxy(config.proxy_address)
    if (problem !== undefined) issue(['proxy_address'], problem)
  })

export type Config = z.output<typeof configSchema>

function endpointProblem(endpoint: string): string | undefined {
  const url = URL.parse(endpointUrl(endpoint))
  // It is named in the log, and calls are signed: there is no use for a password.
  if (endpoint.includes('@'))
    return 'has a user or password in it: write https://host or http://host:port, and the keys as credentials'
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return undefined
  return `${JSON.stringify(endpoint)} is not the URL of an HTTP server: write https://host or http://host:port`
}

/** The Go SDK takes a bare host for an endpoint, and so do configs made for it. */
export function endpointUrl(endpoint: string): string {
  return endpoint.includes('://') ? endpoint : `https://${endpoint}`
}
