import { steadyNowMs } from '../../delivery/contract/steady-clock.ts'
import type { MetricDefinition, MetricsRegistry } from '../../telemetry/metrics.ts'
import type { CloudWatchLogs } from './cloudwatch-logs.ts'
import { DIVERTED_REASONS } from './route/destination.ts'
import { groupStates } from './accounting/group-states.ts'

const PUTS = 'otlp_cloudwatch_puts'
const BYTES = 'otlp_cloudwatch_put_bytes'
const IN_FLIGHT = 'otelcol_exporter_in_flight_requests'
const LANES = 'otlp_cloudwatch_lanes'
const PARKED = 'otlp_cloudwatch_parked'
const SCOPES = 'otlp_cloudwatch_fault_scopes'
const OLDEST = 'otlp_cloudwatch_oldest_event_seconds'
const DIVERTED = 'otlp_cloudwatch_diverted_records'
const CHANGED = 'otlp_cloudwatch_changed_events'
const CREATED = 'otlp_cloudwatch_created'
const CREATING = 'otlp_cloudwatch_creating'
const ENTITIES = 'otlp_cloudwatch_rejected_entities'
const INGESTED = 'otlp_cloudwatch_ingested_bytes'
const COST = 'otlp_cloudwatch_estimated_cost_usd'
const MARKERS = 'otlp_cloudwatch_gap_markers'
const GROUPS = 'otlp_cloudwatch_group_records'
const DISK = 'otlp_cloudwatch_queue_disk_bytes'
const FREE = 'otlp_cloudwatch_queue_disk_free_bytes'
const REPLAYED = 'otlp_cloudwatch_replayed_records'
const LETTERS = 'otlp_cloudwatch_dead_letters'

const DEFINITIONS: readonly MetricDefinition[] = [
  { name: PUTS, type: 'counter', help: 'PutLogEvents calls.' },
  { name: BYTES, type: 'counter', help: 'Bytes of PutLogEvents bodies, compressed ones as sent.' },
  { name: IN_FLIGHT, type: 'gauge', help: 'PutLogEvents calls in flight.' },
  { name: LANES, type: 'gauge', help: 'Destinations with queued records or puts in flight.' },
  {
    name: PARKED,
    type: 'gauge',
    help: 'Parked destinations, and their records and bytes in the queue.',
  },
  { name: SCOPES, type: 'gauge', help: 'Fault scopes by kind and breaker state.' },
  { name: OLDEST, type: 'gauge', help: 'Seconds the oldest record has waited in the queue.', merge: 'max' },
  { name: DIVERTED, type: 'counter', help: 'Records sent to the overflow destination, by reason.' },
  {
    name: CHANGED,
    type: 'counter',
    help: 'Events changed to fit: cut, values nested too deep, invalid UTF-8 repaired, stored under another time.',
  },
  { name: CREATED, type: 'counter', help: 'Log groups and log streams created.' },
  { name: CREATING, type: 'gauge', help: 'Destinations whose log group or log stream is being created.' },
  { name: ENTITIES, type: 'counter', help: 'Puts whose entity CloudWatch did not accept; their events are stored.' },
  { name: INGESTED, type: 'counter', help: 'Bytes of accepted events as CloudWatch counts them.' },
  { name: COST, type: 'counter', help: 'Cost of ingesting those bytes in USD, at price_per_gb.' },
  { name: MARKERS, type: 'counter', help: 'Gap markers written.' },
  {
    name: GROUPS,
    type: 'gauge',
    help: 'Records received, by log group and state, for the 200 busiest groups.',
  },
  { name: REPLAYED, type: 'counter', help: 'Records of dead letters that were queued again.' },
  { name: DISK, type: 'gauge', help: 'Bytes of the queue on disk: used, quarantined, relocated.' },
  { name: FREE, type: 'gauge', help: 'Bytes free on the volume of the queue.', merge: 'max' },
  { name: LETTERS, type: 'gauge', help: 'Dead letters on disk: events and bytes.' },
]

/** Bytes of a gigabyte in AWS's billing. */
const GB = 2 ** 30

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
    emit(CHANGED, { exporter, change: 'too_deep' }, transcoder.tooDeep)
    emit(CHANGED, { exporter, change: 'utf8_repaired' }, transcoder.repaired)
    emit(CHANGED, { exporter, change: 'late' }, transcoder.late + logs.ledgers.rescued)
    emit(REPLAYED, { exporter }, logs.ledger.replayed)
    emit(MARKERS, { exporter }, logs.ledgers.gaps.markers)
    for (const { group, state, reason, records } of groupStates(logs.ledgers.destinations))
      emit(GROUPS, { exporter, group, state, reason }, records)
    if (running === undefined) return
    const { delivery, sender, provisioner, durable } = running
    emit(INGESTED, { exporter }, delivery.scheduler.acceptedBytes)
    emit(COST, { exporter }, (delivery.scheduler.acceptedBytes / GB) * pricePerGb)
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
