// Calls to CloudWatch Logs through the AWS SDK. Nothing else imports the SDK, so that it is loaded with the first call: see
// aws.ts.

import {
  AssociateKmsKeyCommand,
  type CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  ListTagsForResourceCommand,
  type LogGroup,
  PutLogEventsCommand,
  type PutLogEventsCommandOutput,
  PutLogGroupDeletionProtectionCommand,
  PutRetentionPolicyCommand,
  TagResourceCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { Clock } from '../../../aws/clock.ts'
import { refusesCredentials } from '../../../aws/codes.ts'
import type { CredentialRequest, Credentials } from '../../../aws/credentials/credentials.ts'
import { NoCredentials } from '../../../aws/credentials/no-credentials.ts'
import type { Destination } from '../route/destination.ts'

/**
 * Maximum wait for credentials, ms. The SDK applies signals and timeouts only once it has credentials; if an agent that
 * provides them does not answer, it waits forever.
 */
const CREDENTIALS_TIMEOUT_MS = 30_000

/** Properties of a new group, in addition to its name. */
export interface NewGroup {
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly kmsKeyId?: string | undefined
  readonly logGroupClass?: 'STANDARD' | 'INFREQUENT_ACCESS' | undefined
  readonly deletionProtection?: boolean | undefined
}

/** Each call rejects with the SDK's error, for `classify`. */
export class Calls {
  readonly #client: CloudWatchLogsClient
  readonly #credentials: Credentials | undefined
  readonly #clock: Clock

  /**
   * @param credentials the client's credentials, if they can be renewed
   * @param clock learns AWS's time
   */
  constructor(client: CloudWatchLogsClient, credentials?: Credentials, clock = new Clock()) {
    this.#client = client
    this.#credentials = credentials
    this.#clock = clock
  }

  /**
   * The events are already serialized: the SDK serializes a call without events, and the body is replaced before it is
   * measured and signed.
   * @param body the request's body, compressed if `gzip`
   */
  async putLogEvents(body: Uint8Array, gzip: boolean, signal: AbortSignal): Promise<PutLogEventsCommandOutput> {
    await this.needCredentials(signal)
    const command = new PutLogEventsCommand({ logGroupName: '-', logStreamName: '-', logEvents: [] })
    command.middlewareStack.add(
      (next) => (call) => {
        const request = call.request as { body: unknown; headers: Record<string, string> }
        request.body = body
        if (gzip) request.headers['content-encoding'] = 'gzip'
        return next(call)
      },
      { step: 'build', priority: 'high', name: 'readyBody' },
    )
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  async createLogStream({ group, stream }: Destination, signal: AbortSignal): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new CreateLogStreamCommand({ logGroupName: group, logStreamName: stream })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  async createLogGroup(
    group: string,
    { tags, kmsKeyId, logGroupClass, deletionProtection }: NewGroup,
    signal: AbortSignal,
  ): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new CreateLogGroupCommand({
      logGroupName: group,
      ...(tags !== undefined && { tags }),
      ...(kmsKeyId !== undefined && { kmsKeyId }),
      ...(logGroupClass !== undefined && { logGroupClass }),
      ...(deletionProtection === true && { deletionProtectionEnabled: true }),
    })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  async putRetentionPolicy(group: string, days: number, signal: AbortSignal): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays: days })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  /** Undefined if there is no such group. Names are in ASCII order, so the one that equals the prefix comes first. */
  async describeLogGroup(group: string, signal: AbortSignal): Promise<LogGroup | undefined> {
    await this.needCredentials(signal)
    const command = new DescribeLogGroupsCommand({ logGroupNamePrefix: group, limit: 1 })
    const { logGroups = [] } = await this.#send(() => this.#client.send(command, { abortSignal: signal }))
    return logGroups.find(({ logGroupName }) => logGroupName === group)
  }

  /** @param arn without `:*` */
  async listTags(arn: string, signal: AbortSignal): Promise<Record<string, string>> {
    await this.needCredentials(signal)
    const command = new ListTagsForResourceCommand({ resourceArn: arn })
    const { tags = {} } = await this.#send(() => this.#client.send(command, { abortSignal: signal }))
    return tags
  }

  /** @param arn without `:*` */
  async tagResource(arn: string, tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new TagResourceCommand({ resourceArn: arn, tags })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  async deleteRetentionPolicy(group: string, signal: AbortSignal): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new DeleteRetentionPolicyCommand({ logGroupName: group })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  async associateKmsKey(group: string, kmsKeyId: string, signal: AbortSignal): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new AssociateKmsKeyCommand({ logGroupName: group, kmsKeyId })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  async putDeletionProtection(group: string, enabled: boolean, signal: AbortSignal): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new PutLogGroupDeletionProtectionCommand({
      logGroupIdentifier: group,
      deletionProtectionEnabled: enabled,
    })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  /** @throws NoCredentials if none were obtained in time */
  async needCredentials(signal?: AbortSignal): Promise<void> {
    const late = Promise.withResolvers<never>()
    const giveUp = (name: string) => late.reject(Object.assign(new Error('no credentials in time'), { name }))
    const onAbort = () => giveUp('AbortError')
    const timer = setTimeout(() => giveUp('TimeoutError'), CREDENTIALS_TIMEOUT_MS)
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted === true) onAbort()
    try {
      await Promise.race([this.#getCredentials(), late.promise])
    } catch (cause) {
      throw new NoCredentials(cause)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Undefined if neither the environment, the profile nor instance metadata has one. */
  async region(): Promise<string | undefined> {
    try {
      return (await this.#client.config.region()) || undefined
    } catch {
      // The SDK throws if it found none.
      return undefined
    }
  }

  close(): void {
    this.#client.destroy()
  }

  #getCredentials(): Promise<unknown> {
    const get = (options: CredentialRequest) => this.#client.config.credentials(options)
    return this.#credentials === undefined ? get({}) : this.#credentials.renewIfRefused(get)
  }

  async #send<Output>(send: () => Promise<Output>): Promise<Output> {
    const { config } = this.#client
    const generation = this.#credentials?.generation ?? 0
    const signedWithMs = config.systemClockOffset
    try {
      return await send()
    } catch (error) {
      if (refusesCredentials(error)) {
        this.#credentials?.refused(generation)
        // The skew of the time that the call was signed with distinguishes a wrong clock from a wrong secret.
        Object.assign(error as object, { signingSkewMs: Math.abs(config.systemClockOffset - signedWithMs) })
      }
      throw error
    } finally {
      this.#clock.learn(config.systemClockOffset)
    }
  }
}
