import { BILLED_GB } from './limits.ts'
import { steadyNowMs } from '../../delivery/contract/steady-clock.ts'
import { counter, gauge, type MetricDefinition, type MetricsRegistry } from '../../telemetry/metrics.ts'
import type { CloudWatchLogs } from './cloudwatch-logs.ts'
import { DIVERTED_REASONS } from './route/destination.ts'
import { PROPERTIES } from './route/group-rules.ts'
import { groupStates } from './accounting/group-states.ts'

const PUTS = counter('otlp_cloudwatch_puts', 'PutLogEvents calls.')
const BYTES = counter('otlp_cloudwatch_put_bytes', 'Bytes of PutLogEvents bodies, compressed ones as sent.')
const IN_FLIGHT = gauge('otelcol_exporter_in_flight_requests', 'PutLogEvents calls in flight.')
const LANES = gauge('otlp_cloudwatch_lanes', 'Destinations with queued records or puts in flight.')
const PARKED = gauge('otlp_cloudwatch_parked', 'Parked destinations, and their records and bytes in the queue.')
const SCOPES = gauge('otlp_cloudwatch_fault_scopes', 'Fault scopes by kind and breaker state.')
const OLDEST = gauge(
  'otlp_cloudwatch_oldest_event_seconds',
  'Seconds the oldest record has waited in the queue.',
  'max',
)
const DIVERTED = counter('otlp_cloudwatch_diverted_records', 'Records sent to the overflow destination, by reason.')
const CHANGED = counter(
  'otlp_cloudwatch_changed_events',
  'Events changed to fit: cut, split, values nested too deep, wrong EMF documents, invalid UTF-8 repaired, stored under another time.',
)
const CREATED = counter('otlp_cloudwatch_created', 'Log groups and log streams created.')
const CREATING = gauge('otlp_cloudwatch_creating', 'Destinations whose log group or log stream is being created.')
const DRIFT = gauge(
  'otlp_cloudwatch_group_drift',
  'Log groups that differ from log_groups and could not be changed, by property.',
)
const CONTROL = counter(
  'otlp_cloudwatch_group_changes',
  'Properties of log groups that were changed for log_groups, and changes that failed.',
)
const ENTITIES = counter(
  'otlp_cloudwatch_rejected_entities',
  'Puts whose entity CloudWatch did not accept; their events are stored.',
)
const NO_ENTITY = counter(
  'otlp_cloudwatch_resources_without_entity',
  'Resources whose entity was left out: a name over 512 characters, or over 1,000 entities an hour.',
)
const INGESTED = counter('otlp_cloudwatch_ingested_bytes', 'Bytes of accepted events as CloudWatch counts them.')
const COST = counter('otlp_cloudwatch_estimated_cost_usd', 'Cost of ingesting those bytes in USD, at price_per_gb.')
const MARKERS = counter('otlp_cloudwatch_gap_markers', 'Gap markers written.')
const GROUPS = gauge(
  'otlp_cloudwatch_group_records',
  'Records received, by log group and state, for the 200 busiest groups.',
)
const DISK = gauge('otlp_cloudwatch_queue_disk_bytes', 'Bytes of the queue on disk: used, quarantined, relocated.')
const FREE = gauge('otlp_cloudwatch_queue_disk_free_bytes', 'Bytes free on the volume of the queue.', 'max')
const REPLAYED = counter('otlp_cloudwatch_replayed_records', 'Records of dead letters that were queued again.')
const LETTERS = gauge('otlp_cloudwatch_dead_letters', 'Dead letters on disk: events and bytes.')

const DEFINITIONS: readonly MetricDefinition[] = [
  PUTS,
  BYTES,
  IN_FLIGHT,
  LANES,
  PARKED,
  SCOPES,
  OLDEST,
  DIVERTED,
  CHANGED,
  CREATED,
  CREATING,
  DRIFT,
  CONTROL,
  ENTITIES,
  NO_ENTITY,
  INGESTED,
  COST,
  MARKERS,
  GROUPS,
  REPLAYED,
  DISK,
  FREE,
  LETTERS,
]

/** @returns Returns a function that unregisters the metrics */
export function registerMetrics(
  metrics: MetricsRegistry,
  exporter: string,
  logs: CloudWatchLogs,
  pricePerGb: number,
): () => void {
  return metrics.register(DEFINITIONS, (emit) => {
    const { transcoder, running } = logs
    for (const reason of DIVERTED_REASONS) emit(DIVERTED, { exporter, reason }, transcoder.diverted[reason])
    emit(CHANGED, { exporter, change: 'cut' }, transcoder.cut)
    emit(CHANGED, { exporter, change: 'split' }, transcoder.split)
    emit(CHANGED, { exporter, change: 'too_deep' }, transcoder.tooDeep)
    emit(CHANGED, { exporter, change: 'emf_invalid' }, transcoder.invalidMetrics)
    emit(CHANGED, { exporter, change: 'utf8_repaired' }, transcoder.repaired)
    emit(CHANGED, { exporter, change: 'late' }, transcoder.late + logs.ledgers.rescued)
    emit(NO_ENTITY, { exporter }, logs.entities?.leftOut ?? 0)
    emit(REPLAYED, { exporter }, logs.ledger.replayed)
    emit(MARKERS, { exporter }, logs.ledgers.gaps.markers)
    for (const { group, state, reason, records } of groupStates(logs.ledgers.destinations))
      emit(GROUPS, { exporter, group, state, reason }, records)
    if (running === undefined) return
    const { delivery, sender, provisioner, durable } = running
    emit(INGESTED, { exporter }, delivery.scheduler.acceptedBytes)
    emit(COST, { exporter }, (delivery.scheduler.acceptedBytes / BILLED_GB) * pricePerGb)
    if (durable !== undefined) {
      const { disk, letters } = durable
      emit(DISK, { exporter, what: 'used' }, disk.usedBytes)
      emit(FREE, { exporter }, disk.space.freeBytes)
      emit(DISK, { exporter, what: 'quarantined' }, disk.quarantinedBytes)
      emit(DISK, { exporter, what: 'relocated' }, disk.relocatedBytes)
      emit(LETTERS, { exporter, what: 'events' }, letters.items)
      emit(LETTERS, { exporter, what: 'bytes' }, letters.usedBytes)
    }
    emit(PUTS, { exporter }, delivery.scheduler.puts)
    emit(BYTES, { exporter }, sender.bytesSent)
    emit(IN_FLIGHT, { exporter, data_type: 'logs' }, delivery.scheduler.inFlight)
    emit(LANES, { exporter }, delivery.laneCount)
    const { held, lanes } = delivery.parking
    emit(PARKED, { exporter, what: 'lanes' }, lanes)
    emit(PARKED, { exporter, what: 'events' }, held.items)
    emit(PARKED, { exporter, what: 'bytes' }, held.bytes)
    emit(CREATED, { exporter, kind: 'log_group' }, provisioner.groupsCreated)
    emit(CREATED, { exporter, kind: 'log_stream' }, provisioner.streamsCreated)
    emit(CREATING, { exporter }, provisioner.waiting)
    const { desired } = provisioner
    if (desired !== undefined) {
      const drift = desired.countDrift()
      for (const property of PROPERTIES) emit(DRIFT, { exporter, property }, drift.get(property) ?? 0)
      emit(CONTROL, { exporter, outcome: 'changed' }, desired.changed)
      emit(CONTROL, { exporter, outcome: 'failed' }, desired.failed)
    }
    emit(ENTITIES, { exporter }, sender.entitiesRejected)
    const oldest = delivery.oldestEnqueuedAtMs
    emit(OLDEST, { exporter }, oldest === undefined ? 0 : Math.max(0, steadyNowMs() - oldest) / 1_000)
    // Counts by kind and state, never a label for each group: their number is the clients' choice.
    const byKind = Map.groupBy([...delivery.scopes, provisioner.scope], ({ kind }) => kind)
    for (const [kind, scopes] of byKind)
      for (const [state, same] of Map.groupBy(scopes, ({ state }) => state))
        emit(SCOPES, { exporter, kind, state }, same.length)
  })
}
