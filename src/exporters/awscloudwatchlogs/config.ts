import * as z from 'zod'
import { acceptedWithoutEffect, duration, extension, line, path, secretLine, size } from '../../config/schema/fields.ts'
import { parseProxy } from '../../aws/connection/proxy.ts'
import { moveAliases, withAliases } from '../../config/schema/aliases.ts'
import { MAX_BATCH_EVENTS, MAX_MESSAGE_BYTES, STANDARD_USD_PER_GB } from './limits.ts'
import { messageSchema, optionsOfEnvelope } from './options/message.ts'
import { endpoint, eventBytes } from './options/fields.ts'
import { groupRule, MAX_GROUP_RULES, retention, tags } from './options/log-groups.ts'
import { literalPrefix, metadataNames, type NameKind, parseTemplate } from './route/template.ts'
import { sinkOptions } from './options/sink.ts'

function nameTemplate(kind: NameKind) {
  return line().superRefine((text, context) => {
    const problem = parseTemplate(kind, text)
    if (typeof problem === 'string') context.addIssue({ code: 'custom', message: problem })
  })
}

/** A name without placeholders. With `mayBeEmpty`, `''` means a name derived from `log_group_name`. */
function fixedName(kind: NameKind, mayBeEmpty: boolean) {
  return line().superRefine((text, context) => {
    if (mayBeEmpty && text === '') return
    const parsed = parseTemplate(kind, text)
    const problem = typeof parsed === 'string' ? parsed : parsed.placeholders.length > 0 ? PLACEHOLDER : undefined
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
  })
}

const PLACEHOLDER = 'has a placeholder: write one fixed name'

const retryOnFailure = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Retry failed puts. Off: the events of a failed put become dead letters at once, or lost(expired) without storage.',
      ),
    initial_interval: duration()
      .prefault('200ms')
      .describe('Upper bound of the first retry delay; the delay is random below it (full jitter).'),
    randomization_factor: acceptedWithoutEffect(z.number().min(0).max(1), 'delays have full jitter').describe(
      'Jitter of the collector’s retry delays.',
    ),
    multiplier: z.number().min(1).default(1.5).describe('Factor by which the bound grows with each failure in a row.'),
    max_interval: duration().prefault('30s').describe('Maximum of the bound of a retry delay.'),
    max_elapsed_time: duration()
      .optional()
      .describe(
        'Maximum time in the queue; then events become dead letters, or lost(expired) without storage. Unset or 0: until CloudWatch refuses their age (14 days).',
      ),
  })
  .prefault({})
  .describe('Retries of failed puts.')

const queueBatch = z
  .strictObject({
    flush_timeout: duration()
      .prefault('200ms')
      .describe('Maximum time an event waits for its batch to fill; replaces flush_interval.'),
    min_size: z.int().nonnegative().optional().describe('Size at which a batch is sent at once. Unset or 0: max_size.'),
    max_size: z
      .int()
      .nonnegative()
      .optional()
      .describe(
        'Maximum size of a put, within the limits of CloudWatch (10,000 events, 1 MiB); a longer event is sent by itself.',
      ),
    sizer: z.enum(['items', 'bytes']).default('items').describe('Unit of min_size and max_size.'),
    partition: acceptedWithoutEffect(z.looseObject({}), 'every log stream has its own lane').describe(
      'Splits batches by client metadata.',
    ),
  })
  .optional()
  .describe('Batching in the queue: sets how the lanes flush.')

const sendingQueue = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        'Answer senders when their records are queued. Off: when CloudWatch has answered, as with wait_for_result.',
      ),
    num_consumers: z.int().min(1).max(1_000).default(10).describe('Maximum concurrent puts, over all destinations.'),
    wait_for_result: z.boolean().default(false).describe('Answer senders only when CloudWatch has answered.'),
    block_on_overflow: acceptedWithoutEffect(
      z.boolean(),
      'a full queue answers 503 or UNAVAILABLE, which holds no memory; every OTLP sender retries',
    ).describe('Block senders while the queue is full.'),
    sizer: z.enum(['requests', 'items', 'bytes']).default('requests').describe('Unit of queue_size.'),
    queue_size: z
      .int()
      .positive()
      .optional()
      .describe(
        'Maximum queue size in units of sizer, in addition to the byte budget. Unset: only the byte budget applies.',
      ),
    storage: extension().optional().describe('Id of a file_storage extension that keeps the queue on disk.'),
    batch: queueBatch,
  })
  .prefault({})
  .describe('Queue of accepted records that wait for CloudWatch.')

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
        'dead_letter, reject, clamp or divert: see “Late events”. Unset: dead_letter if sending_queue.storage is set, else reject.',
      ),
    log_group_name: fixedName('group', true)
      .default('')
      .describe('Group for divert. Empty: the prefix of log_group_name and "late".'),
    log_stream_name: fixedName('stream', false).default('late').describe('Stream for divert.'),
  })
  .prefault({})
  .describe('Events older than 14 days or than the retention of their group, or more than 2 hours in the future.')

const deadLetters = z
  .strictObject({
    max_size: size()
      .prefault('256MiB')
      .pipe(z.number().min(1_048_576))
      .describe('Maximum bytes on disk; the oldest letters are removed first.'),
  })
  .prefault({})
  .describe(
    'Events that CloudWatch refuses or that waited too long, kept on disk with the reason. Needs sending_queue.storage.',
  )

/** All options as written. Keys of the Go exporter first, then ours, then those of fapilog's sink. */
const writtenSchema = z
  .strictObject({
    log_group_name: nameTemplate('group').describe(
      'Log group; a placeholder such as {k8s.namespace.name} is replaced by an attribute, request metadata or the time: see “Where it goes”.',
    ),
    log_stream_name: nameTemplate('stream').describe('Log stream, with the same placeholders.'),
    region: line()
      .default('')
      .describe('AWS Region. Empty: AWS_REGION, AWS_DEFAULT_REGION, the profile, then instance metadata.'),
    endpoint: endpoint()
      .default('')
      .describe('URL to use instead of the Region’s endpoint; a host without a scheme means https.'),
    log_retention: retention
      .default(0)
      .describe('Days to keep events, set on groups this exporter creates; 0 never expires.'),
    tags: tags.optional().describe('Tags of groups this exporter creates.'),
    log_groups: z
      .array(groupRule)
      .max(MAX_GROUP_RULES)
      .default([])
      .describe('Desired state of new and existing groups; the first entry that matches a group applies.'),
    raw_log: z
      .boolean()
      .default(false)
      .describe('Send only the record’s body: a string as it is, a map or list as JSON.'),
    role_arn: line().default('').describe('Role to assume.'),
    external_id: line().default('').describe('External id for role_arn.'),
    sending_queue: sendingQueue,
    retry_on_failure: retryOnFailure,
    request_timeout_seconds: z.int().positive().default(30).describe('Maximum duration of one put, in seconds.'),
    no_verify_ssl: z
      .boolean()
      .default(false)
      .describe('Do not verify the endpoint’s certificate; logs a warning at start.'),
    // A proxy's URL may hold a password.
    proxy_address: secretLine()
      .default('')
      .describe(
        'URL of an HTTP proxy for CloudWatch and STS. Empty: HTTPS_PROXY and HTTP_PROXY. NO_PROXY applies to both.',
      ),
    local_mode: acceptedWithoutEffect(
      z.boolean(),
      'instance metadata is queried for a Region only if nothing else sets one: write region',
    ).describe('Do not query instance metadata for the Region.'),
    num_workers: acceptedWithoutEffect(z.int(), 'sending_queue.num_consumers sets the concurrent puts').describe(
      'Workers of the Go exporter.',
    ),
    resource_arn: acceptedWithoutEffect(z.string(), 'the Go exporter does not use it for logs either').describe(
      'ARN of the resource the records are about.',
    ),

    profile: line().default('').describe('Profile of the shared AWS config for credentials and Region.'),
    credentials,
    certificate_file_path: path()
      .default('')
      .describe(
        'PEM file of certificate authorities to trust in addition to the default ones, AWS_CA_BUNDLE and SSL_CERT_FILE.',
      ),
    dualstack: z
      .boolean()
      .optional()
      .describe('Use the dual-stack endpoint (IPv4 and IPv6). Unset: AWS_USE_DUALSTACK_ENDPOINT, then the profile.'),
    fips: z.boolean().optional().describe('Use the FIPS endpoint. Unset: AWS_USE_FIPS_ENDPOINT, then the profile.'),
    compression: z
      .enum(['none', 'gzip'])
      .default('none')
      .describe(
        'gzip sends about an eighth of the bytes for more CPU; AWS’s own agent uses it, AWS does not document it.',
      ),
    flush_interval: duration().prefault('1s').describe('Maximum time an event waits for its batch to fill.'),
    max_puts_per_second: z
      .number()
      .positive()
      .default(500)
      .describe('Maximum PutLogEvents calls per second (account quota: 5,000).'),
    max_event_bytes: eventBytes()
      .prefault(MAX_MESSAGE_BYTES)
      .describe('Maximum message size; CloudWatch accepts 1,048,550 bytes.'),
    message: messageSchema,
    entity: z
      .boolean()
      .default(false)
      .describe(
        'Relate events to a service in CloudWatch, by service.name and deployment.environment.name of their resource.',
      ),
    on_oversize: z
      .enum(['truncate', 'split', 'drop', 'dead_letter', 'reject', 'cut'])
      .default('truncate')
      .describe(
        'Action for a longer event: truncate (or cut), split, drop, dead_letter or reject; see “Events over the limit”.',
      ),
    on_lane_full: z
      .enum(['park', 'dead_letter', 'reject', 'refuse'])
      .optional()
      .describe(
        'Action for new records of a stuck destination over its share of the queue: park, dead_letter, reject or refuse. Unset: park with storage, else reject.',
      ),
    allowed_log_groups: z
      .array(z.string().min(1))
      .optional()
      .describe(
        'Groups that may be written; * is a wildcard. Unset: groups that start with the part of log_group_name before its first placeholder.',
      ),
    route_from_body: z
      .boolean()
      .default(false)
      .describe(
        'With raw_log: let a JSON body name its group and stream (_aws.LogGroupName, log_group_name). Needs allowed_log_groups.',
      ),
    route_from_attributes: z
      .boolean()
      .optional()
      .describe(
        'Let the resource attributes aws.log.group.names and aws.log.stream.names name group and stream. Unset: for http_json only. true needs allowed_log_groups.',
      ),
    overflow_log_group_name: fixedName('group', true)
      .default('')
      .describe(
        'Group for events whose destination is not allowed or over max_new_destinations. Empty: the prefix of log_group_name and "overflow".',
      ),
    overflow_log_stream_name: fixedName('stream', false).default('overflow').describe('Stream for those events.'),
    price_per_gb: z
      .number()
      .nonnegative()
      .default(STANDARD_USD_PER_GB)
      .describe('USD per gigabyte ingested, for the estimate in /metrics; 0.50 is the Standard class in us-east-1.'),
    event_id: z
      .boolean()
      .default(false)
      .describe(
        'Add a unique member "event.id" to each event, so that duplicates after a lost response or a crash can be removed.',
      ),
    gap_markers: z
      .boolean()
      .default(false)
      .describe(
        'Write an event with the number, time range and reasons of missing records into a stream that lost some, once it can be written again.',
      ),
    late_events: lateEvents,
    dead_letters: deadLetters,
    max_new_destinations: z
      .int()
      .positive()
      .default(1_000)
      .describe(
        'Maximum log streams first seen within an hour; events for more of them go to the overflow destination.',
      ),
    ...sinkOptions,
  })
  .superRefine((written, context) => {
    const config = moveAliases(writtenSchema, written)
    const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (config.external_id !== '' && config.role_arn === '')
      issue(['external_id'], 'is used with role_arn only: write role_arn, or remove it')
    if (config.route_from_body && !config.raw_log)
      issue(['route_from_body'], 'works with raw_log only: write raw_log: true, or remove it')
    if (config.raw_log)
      for (const key of optionsOfEnvelope(config.message))
        issue(['message', key], 'shapes the event around the body, and raw_log sends only the body: remove one of them')
    if (config.event_id && config.raw_log)
      issue(['event_id'], 'cannot be added to the body that raw_log sends: remove one of them')
    if (config.route_from_body && config.allowed_log_groups === undefined)
      issue(
        ['route_from_body'],
        'lets the author of a log line choose its group: write allowed_log_groups with the groups they may choose',
      )
    if (config.route_from_attributes === true && config.allowed_log_groups === undefined)
      issue(
        ['route_from_attributes'],
        'lets clients choose the group: write allowed_log_groups with the groups they may choose',
      )
    if (config.sending_queue.storage === undefined) {
      const needs = 'keeps records on disk: write sending_queue.storage, or '
      const { on_lane_full: full, late_events: late } = config
      if (full === 'park' || full === 'dead_letter') issue(['on_lane_full'], `${full} ${needs}reject`)
      if (config.on_oversize === 'dead_letter')
        issue(['on_oversize'], `dead_letter ${needs}truncate, split, drop or reject`)
      if (late.policy === 'dead_letter') issue(['late_events', 'policy'], `dead_letter ${needs}reject`)
    }
    if (config.endpoint !== '' && (config.dualstack === true || config.fips === true))
      issue([config.fips === true ? 'fips' : 'dualstack'], 'cannot be combined with endpoint: remove one of them')
    const { max_size, sizer } = config.sending_queue.batch ?? {}
    if (sizer === 'items' && max_size !== undefined && max_size > MAX_BATCH_EVENTS)
      issue(
        ['sending_queue', 'batch', 'max_size'],
        `${max_size} is over ${MAX_BATCH_EVENTS}, the maximum number of events in one PutLogEvents: write at most that`,
      )
    if (config.batch_size !== undefined && config.sending_queue.batch !== undefined)
      issue(['batch_size'], 'is set by sending_queue.batch.min_size too: remove one of them')
    const group = parseTemplate('group', config.log_group_name)
    if (
      typeof group !== 'string' &&
      literalPrefix(group) === '' &&
      metadataNames(group).length > 0 &&
      config.allowed_log_groups === undefined
    )
      issue(
        ['log_group_name'],
        'lets the headers of a client choose any group: write allowed_log_groups with the groups they may choose, or a prefix before the first placeholder',
      )
    const { problem } = config.proxy_address === '' ? {} : parseProxy(config.proxy_address)
    if (problem !== undefined) issue(['proxy_address'], problem)
  })

/** All options of `awscloudwatchlogs`, with each alias moved to its option. */
export const configSchema = withAliases(writtenSchema)

export type Config = z.output<typeof configSchema>
