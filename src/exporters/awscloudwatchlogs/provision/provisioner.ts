// Creates groups and streams that a put found missing. A lane waits for them without occupying a put slot.
//
//   ensure ─▶ CreateLogStream ─missing─▶ CreateLogGroup (one caller) ─▶ CreateLogStream ─▶ ready
//                                             └─▶ retention is queued, and set later
//
// A group or stream that the config does not let it create is a fault that names it; no call is made.

import type { Siblings } from '../../../component/siblings.ts'
import { type Prepared, retry, stepBack } from '../../../delivery/contract/sender.ts'
import type { BackoffOptions } from '../../../delivery/faults/backoff.ts'
import type { FaultScope } from '../../../delivery/faults/fault-scope.ts'
import type { Logger } from '../../../telemetry/logger.ts'
import type { CallAws } from '../aws/aws.ts'
import type { NewGroup } from '../aws/calls.ts'
import type { CreationOutcome } from '../aws/classify.ts'
import type { Destination } from '../route/destination.ts'
import { CreationCalls, type CreationKind } from './creation-calls.ts'
import { DesiredGroups } from './desired-groups.ts'
import { type GroupRule, GroupRules } from '../route/group-rules.ts'
import { Retention } from './retention.ts'

export interface ProvisionSettings {
  /** Days; 0: never expire. Set on groups this exporter creates, never on others. */
  readonly retentionDays: number
  readonly tags: Readonly<Record<string, string>> | undefined
  readonly createGroups: boolean
  readonly createStreams: boolean
  /** Desired state of groups. */
  readonly groupRules: readonly GroupRule[]
  /** Share of the account's creations per second, 0 to 1. */
  readonly share: number
  /** Lets one process create a group while the others wait. */
  readonly once: Siblings['once']
  /** Account and Region, for display. */
  readonly account: string
  readonly backoff: BackoffOptions
}

const READY: Prepared = { kind: 'ready' }
const DONE: CreationOutcome = { kind: 'done' }
/** "The specified log stream does not exist.", in contrast to "The specified log group does not exist." */
const STREAM_IS_MISSING = /log stream/i

/** Creates groups and streams: once for all lanes that need it, within the account's quotas. */
export class Provisioner {
  readonly #settings: ProvisionSettings
  readonly #logger: Logger
  readonly #calls: CreationCalls
  readonly #retention: Retention
  readonly #rules: GroupRules
  /** Undefined without `log_groups`. */
  readonly desired: DesiredGroups | undefined
  /** By destination key; one per waiting lane. */
  readonly #pending = new Map<string, Promise<Prepared>>()
  readonly #groups = new Map<string, Promise<CreationOutcome>>()
  readonly #stopping = new AbortController()
  groupsCreated = 0
  streamsCreated = 0

  constructor(aws: CallAws, settings: ProvisionSettings, logger: Logger) {
    this.#settings = settings
    this.#logger = logger
    this.#calls = new CreationCalls(aws, settings.account, settings.share, settings.backoff, logger)
    this.#retention = new Retention(this.#calls, settings.retentionDays, logger)
    const rules = new GroupRules(settings.groupRules)
    this.#rules = rules
    this.desired = rules.isEmpty ? undefined : new DesiredGroups(aws, { ...settings, rules }, logger)
  }

  /** Circuit breaker and backoff of creations. */
  get scope(): FaultScope<CreationCalls> {
    return this.#calls.scope
  }

  /** Destinations that are being created. */
  get waiting(): number {
    return this.#pending.size
  }

  /**
   * Creates the destination. Resolves with a fault only if it is specific to this destination.
   * @param missing CloudWatch's message, which says whether the group or the stream is missing
   */
  ensure(destination: Destination, missing = ''): Promise<Prepared> {
    const known = this.#pending.get(destination.key)
    if (known !== undefined) return known
    const creation = this.#create(destination, missing).finally(() => this.#pending.delete(destination.key))
    this.#pending.set(destination.key, creation)
    return creation
  }

  hasten(maxWaitMs: number): void {
    this.#calls.hasten(maxWaitMs)
  }

  /** Aborts every call and wait. */
  stop(): void {
    this.#stopping.abort()
    this.#calls.stop()
    this.#retention.stop()
    this.desired?.stop()
  }

  async #create(destination: Destination, missing: string): Promise<Prepared> {
    if (!this.#settings.createStreams) return this.#createGroupAlone(destination, missing)
    // CreateLogStream would fail while its group is being created.
    const group = this.#groups.get(destination.group)
    let outcome = group === undefined ? await this.#createStream(destination, 'first_stream') : await group
    if (outcome.kind === 'missing' && !this.#settings.createGroups) return mayNotCreateGroup(destination)
    if (outcome.kind === 'missing') outcome = await this.#createGroupOnce(destination.group)
    else if (group === undefined) return prepared(outcome)
    if (outcome.kind !== 'done') return prepared(outcome)
    outcome = await this.#createStream(destination, 'finish_stream')
    // The service may take a moment to see a new group.
    return outcome.kind === 'missing' ? stepBack('not_visible_yet', outcome.message) : prepared(outcome)
  }

  /** Without the right to create streams: the group may still be created, if that is what is missing. */
  async #createGroupAlone(destination: Destination, missing: string): Promise<Prepared> {
    if (STREAM_IS_MISSING.test(missing)) return mayNotCreateStream(destination)
    if (!this.#settings.createGroups) return mayNotCreateGroup(destination)
    const outcome = await this.#createGroupOnce(destination.group)
    return outcome.kind === 'done' ? mayNotCreateStream(destination) : prepared(outcome)
  }

  async #createStream(destination: Destination, kind: CreationKind): Promise<CreationOutcome> {
    const outcome = await this.#calls.run(kind, (calls) => calls.createLogStream(destination, this.#stopping.signal))
    if (outcome.kind === 'done') this.streamsCreated++
    return outcome
  }

  #createGroupOnce(group: string): Promise<CreationOutcome> {
    const known = this.#groups.get(group)
    if (known !== undefined) return known
    const creation = this.#createGroupForAll(group).finally(() => this.#groups.delete(group))
    this.#groups.set(group, creation)
    return creation
  }

  async #createGroupForAll(group: string): Promise<CreationOutcome> {
    // Default: another process has just created it.
    let outcome = DONE
    const create = async () => {
      outcome = await this.#createGroup(group)
      return outcome.kind === 'done'
    }
    await this.#settings.once(`create ${group}`, create, this.#stopping.signal)
    return outcome
  }

  async #createGroup(group: string): Promise<CreationOutcome> {
    const { tags } = this.#settings
    const rule = this.#rules.of(group)
    const logGroupClass = rule?.logGroupClass
    const plain = { tags, logGroupClass }
    let outcome = await this.#runCreateGroup(
      group,
      rule === undefined ? plain : { ...rule, tags: rule.tags === undefined ? tags : { ...tags, ...rule.tags } },
    )
    // A key or tag that is refused must not keep events back: the group is made without, and reported as different.
    if (rule !== undefined && isRefused(outcome)) outcome = await this.#runCreateGroup(group, plain)
    if (outcome.kind === 'exists') return DONE
    if (outcome.kind !== 'done') return outcome
    this.groupsCreated++
    const retentionDays = rule?.retentionDays ?? this.#settings.retentionDays
    this.#logger.info('created a log group', { group, retentionDays })
    if (rule?.retentionDays === undefined) this.#retention.set(group)
    this.desired?.written(group)
    return outcome
  }

  #runCreateGroup(group: string, properties: NewGroup): Promise<CreationOutcome> {
    return this.#calls.run('group', (calls) => calls.createLogGroup(group, properties, this.#stopping.signal))
  }
}

/** Whether CloudWatch refuses or denies this call for good. */
function isRefused(outcome: CreationOutcome): boolean {
  return outcome.kind === 'refused' || (outcome.kind === 'retry' && outcome.scope === 'group' && outcome.lasting)
}

function prepared(outcome: CreationOutcome): Prepared {
  switch (outcome.kind) {
    case 'done':
    case 'exists':
      return READY
    case 'retry':
      return outcome
    case 'refused':
    case 'missing':
      return retry({ scope: 'group', reason: 'cannot_create', lasting: true }, outcome.message)
  }
}

function mayNotCreateGroup({ group }: Destination): Prepared {
  const message = `log group ${group} does not exist: create it, or write create_log_group: true`
  return retry({ scope: 'group', reason: 'missing', lasting: true }, message)
}

function mayNotCreateStream({ group, stream }: Destination): Prepared {
  const message = `log stream ${stream} of group ${group} does not exist: create it, or write create_log_stream: true`
  return retry({ scope: 'stream', reason: 'missing', lasting: true }, message)
}
