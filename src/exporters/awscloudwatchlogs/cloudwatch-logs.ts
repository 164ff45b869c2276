// The exporter without the daemon around it: what the component and the library share.
//
//   bytes ─▶ transcode (route, write, count) ─▶ delivery (lanes, pack) ─▶ put (classify, provision) ─▶ CloudWatch Logs

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import type { ByteBudget } from '../../component/byte-budget.ts'
import type { LogsRequest, RejectedRecord, Reservation, StageListener } from '../../component/consumer.ts'
import type { PipelineShape } from '../../component/factory.ts'
import type { Refused, Retry } from '../../component/outcome.ts'
import type { ClaimedDirectory } from '../../component/storage.ts'
import type { ItemBatch } from '../../delivery/items.ts'
import { type DeadLetters, openDeadLetters } from '../../delivery/dead-letters.ts'
import { Delivery, type DeliveryReservation } from '../../delivery/delivery.ts'
import { MemoryQueue } from '../../delivery/memory-queue.ts'
import { DiskQueue } from '../../delivery/disk-queue.ts'
import type { Queue } from '../../delivery/queue.ts'
import { Ledger, type LedgerSnapshot } from '../../telemetry/ledger.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { TextTooLong } from '../../wire/json-text.ts'
import { MalformedProtobuf } from '../../wire/protobuf-reader.ts'
import { type Control, openControl } from '../../listen/control.ts'
import { awaitResult } from './await-result.ts'
import { createClient } from './client.ts'
import { type Config, endpointUrl } from './config.ts'
import { DeadLetterDesk } from './dead-letter-desk.ts'
import { deliveryOptions, queueBound } from './delivery-options.ts'
import { type Destination, DestinationGate, destination } from './destination.ts'
import { Provisioner } from './provision.ts'
import { PutLogEvents } from './put.ts'
import { Router } from './route.ts'
import { fillTemplate, literalPrefix, parseTemplate, type Template } from './template.ts'
import { Transcoder, type Transcoded } from './transcode.ts'

/** Of a queue on disk: big enough for few files, small enough that space comes back soon (64 MiB could not free a small disk). */
export const SEGMENT_BYTES = 16 * 1_048_576
/** What waits is kept in memory too up to this, so that a queue that keeps up never reads the disk. */
const TAIL_BYTES = 32 * 1_048_576
/** Beside the queue's own files. */
export const DEAD_LETTERS = 'dead-letters'

export interface CloudWatchLogsSettings {
  readonly config: Config
  readonly shape: PipelineShape
  readonly logger: Logger
  readonly budget: ByteBudget
}

/** Where the queue is kept on disk, and who hears if that fails for good. */
export interface Storage {
  readonly directory: ClaimedDirectory
  readonly fatal: (error: Error) => void
}

/** Parts that exist only while it runs. */
interface Running {
  readonly client: CloudWatchLogsClient
  readonly provisioner: Provisioner
  readonly sender: PutLogEvents
  readonly delivery: Delivery<Destination>
  readonly queue: Queue
  /** Undefined where the queue is in memory. */
  readonly deadLetters: DeadLetters | undefined
  /** Undefined where the queue is in memory. */
  readonly storage: Storage | undefined
}

export class CloudWatchLogs {
  readonly #settings: CloudWatchLogsSettings
  #control: Control | undefined
  readonly ledger = new Ledger()
  readonly transcoder: Transcoder
  readonly gate: DestinationGate
  #running: Running | undefined
  #stopping = false
  #toldOfCredentials = false

  constructor(settings: CloudWatchLogsSettings) {
    const { config, budget } = settings
    this.#settings = settings
    const group = template('group', config.log_group_name)
    const stream = template('stream', config.log_stream_name)
    this.gate = new DestinationGate(destinationRules(config, group))
    this.transcoder = new Transcoder(new Router(group, stream, this.gate), {
      rawLog: config.raw_log,
      routeFromBody: config.route_from_body,
      maxMessageBytes: config.max_event_bytes,
      onOversize: config.on_oversize,
      lateEvents: config.late_events.policy,
      // What one request becomes has to fit the queue beside others.
      maxTextBytes: Math.floor(budget.capacity / 2),
    })
  }

  get running(): Running | undefined {
    return this.#running
  }

  /** @throws ComponentError without a Region, if a certificate file cannot be read, or a queue on disk cannot be opened */
  async start(storage?: Storage): Promise<void> {
    const { config, logger, shape } = this.#settings
    if (config.no_verify_ssl)
      logger.warn('no_verify_ssl: the certificate of the endpoint is not checked', { endpoint: config.endpoint })
    if (config.allowed_log_groups === undefined && literalPrefix(template('group', config.log_group_name)) === '')
      logger.warn(
        'log_group_name begins with a placeholder: clients choose any group; write allowed_log_groups to bound them',
      )
    if (config.raw_log && !config.route_from_body)
      logger.info(
        'raw_log: a body that names a group (_aws.LogGroupName) is not followed; write route_from_body to allow it',
      )
    const options = deliveryOptions(config, shape)
    const client = await createClient(config, options.maxConcurrentPuts, process.env)
    const region = await client.config.region()
    const provisioner = new Provisioner(client, { retentionDays: config.log_retention, tags: config.tags }, logger)
    const sender = new PutLogEvents(client, provisioner, {
      compression: config.compression,
      concurrency: options.maxConcurrentPuts,
      scopes: {
        endpoint: config.endpoint === '' ? `logs.${region}` : endpointUrl(config.endpoint),
        credential: config.role_arn || config.profile || 'default',
        account: region,
      },
    })
    const { ledger } = this
    const queue =
      storage === undefined ? new MemoryQueue(this.#settings.budget, queueBound(config)) : this.#diskQueue(storage)
    const deadLetters = storage === undefined ? undefined : await this.#openDeadLetters(storage)
    const delivery = new Delivery<Destination>(
      options,
      queue,
      sender,
      {
        settled: (settlement, records) => {
          ledger.settle(settlement, records)
          if (settlement.kind === 'delivered') ledger.eventsWritten += records
        },
        retried: (records, maybeTaken) => {
          ledger.retries++
          if (maybeTaken) ledger.possibleDoubles += records
        },
        recovered: (records) => ledger.recover(records),
      },
      logger,
      deadLetters,
    )
    await delivery.start(destinationOf)
    if (ledger.queued > 0)
      logger.info('an earlier process left records in the queue; they are sent now', { records: ledger.queued })
    if (deadLetters !== undefined) ledger.recoverDeadLetters(deadLetters.items)
    this.#running = { client, provisioner, sender, delivery, queue, deadLetters, storage }
    if (storage !== undefined && deadLetters !== undefined) {
      const desk = new DeadLetterDesk(deadLetters, (lane, items) => this.#offer(delivery, lane, items))
      this.#control = await openControl(storage.directory.path, {
        'dead-letters.list': (query) => desk.list(query),
        'dead-letters.show': (query) => desk.show(query),
        'dead-letters.replay': (query) => desk.replay(query),
      })
    }
    await this.#hasCredentials(client)
  }

  #diskQueue({ directory, fatal }: Storage): DiskQueue {
    const { config, budget, logger } = this.#settings
    const { ledger } = this
    const bound = queueBound(config)
    const options = {
      directory: directory.path,
      capacityBytes: bound?.unit === 'bytes' ? Math.min(bound.most, directory.capacityBytes) : directory.capacityBytes,
      segmentBytes: SEGMENT_BYTES,
      memoryBytes: Math.min(TAIL_BYTES, budget.capacity / 4),
      fsync: directory.fsync,
      bound,
    }
    const owner = {
      counters: () => ({ ...ledger.snapshot() }),
      restore: (counters: Partial<LedgerSnapshot>) => ledger.restore(counters),
      fatal,
    }
    return new DiskQueue(options, owner, budget, logger)
  }

  /** Has a dead letter's events sent again. */
  #offer(delivery: Delivery<Destination>, key: string, items: ItemBatch): Promise<string | undefined> {
    return new Promise((resolve) => {
      const reserved = delivery.reserve([{ key, destination: destinationOf(key), items }], true)
      if (reserved.kind === 'retry') return resolve(reserved.message)
      reserved.commit({
        queued: (failure) => {
          if (failure === undefined) this.ledger.revive(items.count)
          resolve(failure?.message)
        },
        settled() {},
      })
    })
  }

  async #openDeadLetters({ directory, fatal }: Storage): Promise<DeadLetters> {
    const { config, budget, logger } = this.#settings
    const path = join(directory.path, DEAD_LETTERS)
    await mkdir(path, { recursive: true, mode: 0o700 })
    const options = { directory: path, fsync: directory.fsync, capacityBytes: config.dead_letters.max_size }
    const letters = openDeadLetters(options, (records) => this.ledger.evict(records), fatal, budget, logger)
    await letters.open()
    return letters
  }

  /** Says once when there are none. At start that is a hint: they may come later, and until then the records wait. */
  async #hasCredentials(client: CloudWatchLogsClient): Promise<boolean> {
    try {
      await client.config.credentials()
      this.#toldOfCredentials = false
      return true
    } catch (error) {
      if (this.#toldOfCredentials) return false
      this.#toldOfCredentials = true
      this.#settings.logger.error('no AWS credentials were found; records wait until there are some', {
        try: 'a role for the pod or instance, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or profile',
        error: error instanceof Error ? error.message : String(error),
      })
      return false
    }
  }

  /** @throws Error if there is something to send and no credentials to send it with: waiting would not help */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#running === undefined || this.ledger.queued === 0) return
    if (!(await this.#hasCredentials(this.#running.client)))
      throw new Error(`no AWS credentials were found; ${this.ledger.queued} records wait`)
    await this.#running.delivery.flush(signal)
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopping = true
    if (this.#running === undefined) return
    const { delivery, client, storage, deadLetters } = this.#running
    await this.#control?.close()
    const hopeless = this.ledger.queued > 0 && !(await this.#hasCredentials(client))
    await delivery.shutdown(hopeless ? AbortSignal.abort() : signal, storage !== undefined)
    await deadLetters?.close()
    await storage?.directory.release()
    client.destroy()
    this.#running = undefined
  }

  reserve(request: LogsRequest): Reservation | Retry | Refused {
    if (this.#running === undefined || this.#stopping) return this.#notReady()
    const { delivery } = this.#running
    let transcoded: Transcoded
    try {
      transcoded = this.transcoder.transcode(request.bytes, request.receivedAtMs)
    } catch (error) {
      if (error instanceof MalformedProtobuf) return { kind: 'refused', cause: 'malformed', message: error.message }
      if (error instanceof TextTooLong) return tooLarge(error)
      throw error
    }
    const lanes = transcoded.routed.map(({ destination, items }) => ({ key: destination.key, destination, items }))
    const reserved = delivery.reserve(lanes, this.#settings.config.on_lane_full === 'refuse')
    if (reserved.kind === 'retry') {
      this.ledger.enqueueFailed += transcoded.records
      return reserved
    }
    return this.#reservation(transcoded, reserved)
  }

  #reservation(transcoded: Transcoded, reserved: DeliveryReservation): Reservation {
    const { config } = this.#settings
    const rejected =
      reserved.overShare.length === 0 ? transcoded.rejected : withLaneFull(transcoded, reserved.overShare)
    return {
      kind: 'reserved',
      records: transcoded.records,
      rejected,
      warning: '',
      commit: (listener) => {
        const taken = this.#accounting(transcoded.records, rejected, listener)
        const wait = config.sending_queue.wait_for_result || !config.sending_queue.enabled
        reserved.commit(wait ? awaitResult(taken, transcoded.records - rejected.length) : taken)
      },
      release: () => reserved.release(),
    }
  }

  /** Writes the request into the ledger at the moment it is in the queue, before anything of it can be settled. */
  #accounting(records: number, rejected: readonly RejectedRecord[], listener: StageListener): StageListener {
    const { ledger } = this
    return {
      queued(failure) {
        if (failure === undefined) {
          ledger.receive(records)
          for (const { reason } of rejected) ledger.reject(reason, 1)
        } else ledger.enqueueFailed += records
        listener.queued(failure)
      },
      settled: (settlement, count) => listener.settled(settlement, count),
    }
  }

  #notReady(): Retry {
    const cause = this.#stopping ? 'shutting_down' : 'not_ready'
    return {
      kind: 'retry',
      cause,
      afterMs: 1_000,
      message: this.#stopping ? 'the exporter is stopping' : 'the exporter has not started',
    }
  }
}

function template(kind: 'group' | 'stream', text: string): Template {
  const parsed = parseTemplate(kind, text)
  // The schema has parsed the same text with the same function.
  if (typeof parsed === 'string') throw new Error(`log_${kind}_name ${parsed}`)
  return parsed
}

function destinationRules(config: Config, group: Template) {
  const prefix = literalPrefix(group)
  const single = group.attributes.length === 0
  return {
    allowedGroups:
      config.allowed_log_groups ?? (single ? [fillTemplate(group, [])] : prefix === '' ? [] : [`${prefix}*`]),
    maxNewAnHour: config.max_new_destinations,
    late: destination(
      config.late_events.log_group_name || (single ? prefix : `${prefix}late`),
      config.late_events.log_stream_name,
    ),
    overflow: destination(
      config.overflow_log_group_name || (single ? prefix : `${prefix}overflow`),
      config.overflow_log_stream_name,
    ),
  }
}

function destinationOf(key: string): Destination {
  const colon = key.indexOf(':')
  return destination(key.slice(0, colon), key.slice(colon + 1))
}

function tooLarge(error: TextTooLong): Refused {
  return {
    kind: 'refused',
    cause: 'too_large',
    message: `the events of this request would take ${error.message}: send fewer records in one request`,
  }
}

function withLaneFull(transcoded: Transcoded, overShare: readonly number[]): readonly RejectedRecord[] {
  const rejected = [...transcoded.rejected]
  for (const place of overShare) {
    const routed = transcoded.routed[place]
    if (routed === undefined) continue
    const { group, stream } = routed.destination
    const message = `log group ${group}, stream ${stream} cannot be written and holds over its share of the queue`
    for (const index of routed.records) rejected.push({ index, reason: 'lane_full', message })
  }
  return rejected.sort((a, b) => a.index - b.index)
}
