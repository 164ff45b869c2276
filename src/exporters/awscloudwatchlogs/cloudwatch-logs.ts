// The exporter without the daemon: shared by the component and the library.
//
//   bytes ─▶ transcode (route, write, count) ─▶ delivery (lanes, pack) ─▶ put (classify, provision) ─▶ CloudWatch Logs

import type { ByteBudget } from '../../component/byte-budget.ts'
import { ComponentError } from '../../component/component.ts'
import type { LogsRequest, Reservation } from '../../component/consumer.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import type { Rejections } from '../../accounting/rejections.ts'
import type { Siblings } from '../../component/siblings.ts'
import { Delivery, type DeliveryReservation } from '../../delivery/delivery.ts'
import type { ItemBatch } from '../../delivery/contract/items.ts'
import { MemoryQueue } from '../../delivery/queue/memory-queue.ts'
import type { Queue } from '../../delivery/contract/queue.ts'
import type { Ledger } from '../../accounting/ledger.ts'
import { describeError } from '../../telemetry/describe-error.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { TextTooLong } from '../../wire/json-text.ts'
import { MalformedProtobuf } from '../../wire/protobuf-reader.ts'
import { Ledgers } from './accounting/ledgers.ts'
import { Admission } from './admission.ts'
import { Clock } from '../../aws/clock.ts'
import type { CredentialProvider } from '../../aws/credentials/credentials.ts'
import { NoCredentials } from '../../aws/credentials/no-credentials.ts'
import { Aws } from './aws/aws.ts'
import { changesOf, describeChanges } from './accounting/changes.ts'
import { classifyNoCredentials } from './aws/classify.ts'
import { MAX_AGE_MS } from './limits.ts'
import { isNotPermitted, notPermitted, tooLarge, tooLargeForQueue, withLaneFull } from './refusals.ts'
import type { CloudWatchLogsSettings } from './settings/resolve.ts'
import { type Destination, DestinationGate, destinationOf } from './route/destination.ts'
import { Entities } from './route/entity.ts'
import { ExporterStorage } from './storage/exporter-storage.ts'
import { type Gap, gapMarker } from './accounting/gaps.ts'
import type { Storage } from './storage/open-directory.ts'
import { Provisioner } from './provision/provisioner.ts'
import { PutLogEvents } from './put/put.ts'
import { report } from './accounting/report.ts'
import { rescueLate } from './event/rescue.ts'
import { Router } from './route/route.ts'
import { Transcoder, type Transcoded } from './event/transcode.ts'

export interface CloudWatchLogsOptions {
  readonly settings: CloudWatchLogsSettings
  readonly logger: Logger
  readonly budget: ByteBudget
  readonly siblings: Siblings
  /** The exporter's id, used by its siblings. */
  readonly name: string
  /** Replaces the credentials of the settings. */
  readonly credentialProvider?: CredentialProvider | undefined
  /** Records that wait do not keep the process alive: the owner flushes before the end. */
  readonly background?: boolean
  /** Environment variables; default: those of the process. */
  readonly env?: NodeJS.ProcessEnv
}

/** Parts that exist only while the exporter runs. */
interface Running {
  readonly aws: Aws
  readonly provisioner: Provisioner
  readonly sender: PutLogEvents
  readonly delivery: Delivery<Destination>
  readonly queue: Queue
  /** Undefined if the queue is in memory. */
  readonly durable: ExporterStorage | undefined
}

export class CloudWatchLogs {
  readonly #options: CloudWatchLogsOptions
  readonly ledgers: Ledgers
  readonly transcoder: Transcoder
  readonly gate: DestinationGate
  /** Undefined if events have no entity. */
  readonly entities: Entities | undefined
  readonly #admission: Admission
  #running: Running | undefined
  /** AWS's time. */
  readonly #clock = new Clock()
  #stopping = false
  /** Ends background work. */
  readonly #ended = new AbortController()
  #loggedNoCredentials = false
  /** Stops listening to siblings. */
  #stopListening = () => {}

  constructor(options: CloudWatchLogsOptions) {
    const { settings, budget, siblings, name } = options
    this.#options = options
    this.#admission = new Admission(budget)
    this.ledgers = new Ledgers(
      settings.gapMarkers ? (lane, gap) => this.#writeGapMarker(lane, gap) : undefined,
      (account, afterMs, message) => siblings.publish({ exporter: name, account, afterMs, message }),
    )
    const { group, stream } = settings.names
    this.gate = new DestinationGate(settings.destinations)
    this.entities = settings.entity ? new Entities() : undefined
    this.transcoder = new Transcoder(new Router(group, stream, this.gate, this.entities), {
      ...settings.events,
      // The events of one request must fit the queue next to others.
      maxTextBytes: Math.floor(budget.capacity / 2),
    })
  }

  get ledger(): Ledger {
    return this.ledgers.ledger
  }

  get running(): Running | undefined {
    return this.#running
  }

  /** @throws ComponentError if there is no Region, or a certificate file or a queue on disk cannot be opened */
  async start(storage?: Storage): Promise<void> {
    const { settings, logger, budget, siblings, name, background = false } = this.#options
    const { client, lanes } = settings
    const backoff = { ...lanes.backoff, background }
    for (const warning of settings.warnings) logger.warn(warning)
    const aws = this.#aws()
    const region = await aws.region()
    const provisioner = new Provisioner(
      aws.calls,
      {
        retentionDays: settings.retentionDays,
        tags: settings.tags,
        createGroups: settings.createGroups,
        createStreams: settings.createStreams,
        groupRules: settings.groupRules,
        share: siblings.share,
        once: (what, work, signal) => siblings.once(`${name} ${what}`, work, signal),
        account: region,
        backoff,
      },
      logger,
    )
    const sender = new PutLogEvents(aws.calls, provisioner, {
      compression: settings.compression,
      concurrency: lanes.maxConcurrentPuts,
      entityRejected: (group, entity, errorType) =>
        logger.warn('CloudWatch did not accept an entity; it is left out for 10 minutes, and its events are stored', {
          group,
          entity,
          errorType,
        }),
      scopes: {
        endpoint: client.endpoint ?? `logs.${region}`,
        credential: client.roleArn ?? client.profile ?? 'default',
        account: region,
      },
    })
    const { ledgers } = this
    const durable = storage === undefined ? undefined : await ExporterStorage.open(storage, ledgers, this.#options)
    const queue = durable?.queue ?? new MemoryQueue(budget, settings.queueBound)
    const oldestTimeMs = (nowMs: number) => nowMs + this.#clock.offsetMs - MAX_AGE_MS
    const options = { ...lanes, backoff, background, policy: { ...lanes.policy, oldestTimeMs } }
    const delivery = new Delivery<Destination>(options, queue, sender, ledgers, logger, {
      deadLetters: durable?.letters,
      rescue: rescueLate(settings.events.lateEvents, this.gate.late, this.#clock),
    })
    this.#stopListening = siblings.subscribe(({ exporter, account, afterMs, message }) => {
      if (exporter === name) delivery.throttledElsewhere(account, afterMs, message)
    })
    const running = { aws, provisioner, sender, delivery, queue, durable }
    try {
      this.#failIfStopping()
      await delivery.start(destinationOf)
      if (durable !== undefined) await this.#addRecovered(durable, delivery)
      this.#failIfStopping()
    } catch (error) {
      this.#stopListening()
      // Open handles would keep the process from ending.
      await close(running, AbortSignal.abort())
      throw error
    }
    this.#running = running
    // Only a hint, and not awaited: a credentials source may take half a minute to report that it has none.
    if (!aws.seemsToHaveCredentials) void this.#lacksCredentials(aws, this.#ended.signal)
  }

  /**
   * Checks, without opening anything, the settings that `start` needs.
   * @returns Returns whether the Region is known; otherwise instance metadata must be queried for it
   * @throws ComponentError naming an unusable option or variable
   */
  async check(): Promise<boolean> {
    const aws = this.#aws()
    try {
      return (await aws.knownRegion()) !== undefined
    } finally {
      await aws.close()
    }
  }

  #aws(): Aws {
    const { settings, credentialProvider, env = process.env } = this.#options
    return new Aws(settings.client, settings.lanes.maxConcurrentPuts, env, credentialProvider, this.#clock)
  }

  /** A shutdown during a start leaves it to the start to close what it opened. */
  #failIfStopping(): void {
    if (this.#stopping) throw new ComponentError('stopped during its start')
  }

  async #addRecovered(durable: ExporterStorage, delivery: Delivery<Destination>): Promise<void> {
    const { ledgers, ledger } = this
    if (ledger.queued > 0)
      this.#options.logger.info('an earlier process left records in the queue; sending them now', {
        records: ledger.queued,
      })
    ledger.recoverDeadLetters(durable.letters.items)
    for await (const letter of durable.letters.list({})) ledgers.letterFound(letter)
    ledger.recoverLost(durable.letters.lostItems)
    await durable.answerCommands((from, to, items) => this.#replay(delivery, from, to, items))
    durable.startAdopting(delivery)
  }

  report(): object {
    return report(this.ledgers, this.#running)
  }

  #writeGapMarker(lane: string, gap: Gap): Promise<boolean> {
    const items = gapMarker(gap, this.#clock.now())
    const marker = { lane, destination: destinationOf(lane), items, own: true } as const
    const reserved = this.#running?.delivery.reserve([marker], 'refuse')
    if (reserved?.kind !== 'reserved') return Promise.resolve(false)
    return new Promise((resolve) => reserved.commit((failure) => resolve(failure === undefined)))
  }

  /** Queues a dead letter's events again. Resolves with the reason if there is no room for them. */
  #replay(delivery: Delivery<Destination>, from: string, lane: string, items: ItemBatch): Promise<string | undefined> {
    return new Promise((resolve) => {
      const reserved = delivery.reserve([{ lane, destination: destinationOf(lane), items }], 'refuse')
      if (reserved.kind === 'retry') return resolve(reserved.message)
      reserved.commit((failure) => {
        if (failure === undefined) this.ledgers.revived(items.count, from, lane)
        resolve(failure?.message)
      })
    })
  }

  /**
   * Logs missing credentials once. At start that is only a hint: they may appear later, and the records wait until then.
   * @returns Returns true if waiting will not help
   */
  async #lacksCredentials(aws: Aws, signal?: AbortSignal): Promise<boolean> {
    const missing = await credentialsError(aws, signal)
    if (missing === undefined) {
      this.#loggedNoCredentials = false
      return false
    }
    if (!this.#loggedNoCredentials && signal?.aborted !== true) {
      this.#loggedNoCredentials = true
      this.#options.logger.error('no AWS credentials were found; records wait until there are some', {
        try: 'a role for the pod or instance, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or profile',
        error: missing.message,
      })
    }
    return missing instanceof NoCredentials && classifyNoCredentials(missing).lasting
  }

  /** Returns the reason while puts would find no credentials. Takes as long as their source takes to answer, within a bound. */
  async missingCredentials(): Promise<string | undefined> {
    if (this.#running === undefined) return 'not started'
    const missing = await credentialsError(this.#running.aws)
    return missing && describeError(missing)
  }

  /** @throws Error if records wait and there are no credentials, so that waiting would not help */
  async flush(signal: AbortSignal): Promise<void> {
    if (this.#running === undefined || this.ledger.queued === 0) return
    if (await this.#lacksCredentials(this.#running.aws, signal))
      throw new Error(`no AWS credentials were found; ${this.ledger.queued} records wait`)
    await this.#running.delivery.flush(signal)
  }

  async shutdown(signal: AbortSignal): Promise<void> {
    this.#stopping = true
    this.#ended.abort()
    this.#stopListening()
    if (this.#running === undefined) return
    const hopeless = this.ledger.queued > 0 && (await this.#lacksCredentials(this.#running.aws, signal))
    await close(this.#running, hopeless ? AbortSignal.abort() : signal)
    this.#running = undefined
  }

  /** Returns the refusal of a request of about `requestBytes`, if it is known without reading the request. */
  earlyRefusal(requestBytes: number, heldBytes: number): Retry | undefined {
    if (this.#running === undefined || this.#stopping) return this.#notReady()
    return this.#admission.refusal(this.#running.queue, requestBytes, heldBytes)
  }

  reserve(request: LogsRequest): Reservation | Retry | Refused {
    if (this.#running === undefined || this.#stopping) return this.#notReady()
    const { delivery, queue } = this.#running
    const full = this.#admission.refusal(queue, request.bytes.length, 0)
    if (full !== undefined) {
      this.#admission.learnRefusal()
      return full
    }
    const before = changesOf(this.transcoder)
    let transcoded: Transcoded
    try {
      transcoded = this.transcoder.transcode(
        request.bytes,
        request.receivedAtMs + this.#clock.offsetMs,
        request.identity,
        request,
      )
    } catch (error) {
      if (error instanceof MalformedProtobuf) return { kind: 'refused', cause: 'malformed', message: error.message }
      if (error instanceof TextTooLong) return tooLarge(error)
      throw error
    }
    if (isNotPermitted(transcoded)) return notPermitted(transcoded)
    const { routed } = transcoded
    const reserved = delivery.reserve(routed, this.#options.settings.onLaneFull)
    if (reserved.kind === 'retry') {
      const { records } = transcoded
      this.ledger.enqueueFailed += records
      this.#admission.learnRefusal()
      const couldHold = queue.couldHold(routed)
      return { ...(couldHold ? reserved : tooLargeForQueue(queue)), records }
    }
    this.#admission.learn(request.bytes.length, reserved.bytes)
    const warning = describeChanges(before, this.transcoder)
    return this.#reservation(transcoded, reserved, warning)
  }

  #reservation(transcoded: Transcoded, reserved: DeliveryReservation, warning: string): Reservation {
    const rejected =
      reserved.overShare.length === 0 ? transcoded.rejected : withLaneFull(transcoded, reserved.overShare)
    return {
      kind: 'reserved',
      records: transcoded.records,
      rejected,
      toSettle: transcoded.records + transcoded.moreParts - transcoded.dropped - rejected.count,
      warning,
      answerOn: this.#options.settings.answerOn,
      commit: (listener) => {
        const queued = (failure: Retry | undefined) => {
          if (failure === undefined) {
            this.#admit(transcoded, reserved.overShare)
            this.#logTooLarge(rejected)
          } else this.ledger.enqueueFailed += transcoded.records
          listener.queued(failure)
        }
        reserved.commit(queued, listener.queuedOnly === true ? undefined : listener)
      },
      release: () => reserved.release(),
    }
  }

  /** One line per request; the logger folds them. The sender may ignore `partial_success`, so the operator has to see it. */
  #logTooLarge({ byReason }: Rejections): void {
    const tooLarge = byReason.get('too_large')
    if (tooLarge === undefined) return
    const { count: records, sample: error } = tooLarge
    this.#options.logger.warn('records were rejected: their events are too long', { records, error })
  }

  #admit(transcoded: Transcoded, overShare: readonly number[]): void {
    this.ledgers.admit(transcoded, overShare)
    const { dropped } = transcoded
    if (dropped === 0) return
    const maxEventBytes = this.#options.settings.events.maxMessageBytes
    this.#options.logger.warn('events over max_event_bytes were dropped', { events: dropped, maxEventBytes })
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

/** Returns the reason if there are no credentials. */
async function credentialsError(aws: Aws, signal?: AbortSignal): Promise<Error | undefined> {
  try {
    const calls = await aws.calls()
    await calls.needCredentials(signal)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

async function close({ delivery, provisioner, aws, durable }: Running, signal: AbortSignal): Promise<void> {
  await durable?.refuseCommands()
  await durable?.stopAdopting()
  await delivery.shutdown(signal, durable !== undefined)
  provisioner.stop()
  await durable?.close()
  await aws.close()
}
