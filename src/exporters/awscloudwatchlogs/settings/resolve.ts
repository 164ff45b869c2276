// The only reader of the config: defaults that depend on other options, units and the share of this process are settled
// here, once. The rest of the exporter sees settings, never options.

import type { Reservation } from '../../../component/consumer.ts'
import type { PipelineShape } from '../../../component/factory.ts'
import type { OnLaneFull } from '../../../delivery/lanes/parking.ts'
import type { QueueBound } from '../../../delivery/queue/queue-bound.ts'
import type { ClientSettings } from '../aws/client.ts'
import type { Config } from '../config.ts'
import type { GroupRule } from '../route/group-rules.ts'
import { messageShape } from '../event/message/message-shape.ts'
import type { LatePolicy, TranscodeOptions } from '../event/transcode.ts'
import type { DestinationRules } from '../route/destination.ts'
import { clientSettings } from './client-settings.ts'
import { destinationRules, type NameTemplates, nameTemplates } from './destination-rules.ts'
import { type LaneSettings, laneSettings } from './lane-settings.ts'
import { ShareOf } from './share-of.ts'
import { warnings } from './warnings.ts'

export interface CloudWatchLogsSettings {
  readonly client: ClientSettings
  readonly lanes: LaneSettings
  readonly names: NameTemplates
  readonly destinations: DestinationRules
  /** Whether puts have the entity of their events. */
  readonly entity: boolean
  /** `maxTextBytes` depends on the byte budget. */
  readonly events: Omit<TranscodeOptions, 'maxTextBytes'>
  readonly onLaneFull: OnLaneFull
  /** The stage on which senders are answered: when their records are queued, or when CloudWatch has answered. */
  readonly answerOn: Reservation['answerOn']
  /** `queue_size` in its unit, in addition to the byte budget. */
  readonly queueBound: QueueBound | undefined
  /** Id of the extension that keeps the queue on disk. */
  readonly storage: string | undefined
  readonly deadLettersBytes: number
  /** Days; 0: never expire. */
  readonly retentionDays: number
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly createGroups: boolean
  readonly createStreams: boolean
  /** Desired state of groups; the first rule that matches applies. */
  readonly groupRules: readonly GroupRule[]
  readonly compression: 'none' | 'gzip'
  readonly gapMarkers: boolean
  readonly pricePerGb: number
  /** About a valid config, one sentence each. */
  readonly warnings: readonly string[]
}

/** Minimum dead letters of a process, bytes: the smallest max_size that the config takes. */
const MIN_DEAD_LETTERS_BYTES = 1_048_576

/**
 * @param share this process's share of the daemon's limits, 0 to 1
 * @param shape what the processors of the pipeline request
 */
export function resolve(config: Config, share: number, shape: PipelineShape): CloudWatchLogsSettings {
  const { sending_queue: queue } = config
  const ofShare = new ShareOf(share)
  const names = nameTemplates(config)
  return {
    client: clientSettings(config),
    lanes: laneSettings(config, shape, ofShare),
    names,
    destinations: destinationRules(config, names.group, ofShare),
    entity: config.entity,
    events: {
      rawLog: config.raw_log,
      routeFromBody: config.route_from_body,
      routeFromAttributes: config.route_from_attributes,
      eventId: config.event_id,
      shape: messageShape(config.message),
      emf: config.message.emf,
      maxMessageBytes: config.max_event_bytes,
      onOversize: config.on_oversize === 'cut' ? 'truncate' : config.on_oversize,
      lateEvents: latePolicy(config),
    },
    onLaneFull: onLaneFull(config),
    answerOn: queue.wait_for_result || !queue.enabled ? 'settled' : 'queued',
    queueBound:
      queue.queue_size === undefined ? undefined : { unit: queue.sizer, most: ofShare.count(queue.queue_size) },
    storage: queue.storage,
    deadLettersBytes: ofShare.count(config.dead_letters.max_size, MIN_DEAD_LETTERS_BYTES),
    retentionDays: config.log_retention,
    tags: config.tags,
    createGroups: config.create_log_group,
    createStreams: config.create_log_stream,
    groupRules: config.log_groups.map((rule) => ({
      match: rule.match,
      retentionDays: rule.retention_days,
      tags: rule.tags,
      kmsKeyId: rule.kms_key_id,
      logGroupClass: rule.log_group_class,
      deletionProtection: rule.deletion_protection,
    })),
    compression: config.compression,
    gapMarkers: config.gap_markers,
    pricePerGb: config.price_per_gb,
    warnings: warnings(config, names.group),
  }
}

/** Default: park on disk, which loses nothing; without storage, reject, so that the sender knows. */
function onLaneFull({ on_lane_full: written, sending_queue: queue }: Config): OnLaneFull {
  return written ?? (queue.storage === undefined ? 'reject' : 'park')
}

function latePolicy({ late_events: { policy }, sending_queue: queue }: Config): LatePolicy {
  return policy ?? (queue.storage === undefined ? 'reject' : 'dead_letter')
}
