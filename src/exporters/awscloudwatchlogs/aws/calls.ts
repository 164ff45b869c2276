// The calls of CloudWatch Logs that are made here, by the AWS SDK. Nothing else imports it, so that it is loaded with the
// first of them: see aws.ts.

import {
  type CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  type PutLogEventsCommandOutput,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { Clock } from '../../../aws/clock.ts'
import { refusesCredentials } from '../../../aws/codes.ts'
import type { CredentialRequest, Credentials } from '../../../aws/credentials/credentials.ts'
import { NoCredentials } from '../../../aws/credentials/no-credentials.ts'
import type { Destination } from '../route/destination.ts'

/**
 * Longest wait for credentials, ms. The SDK heeds signals and times once it has them; to get them it waits for ever, if
 * an agent that gives them does not answer.
 */
const CREDENTIALS_TIMEOUT_MS = 30_000

/** Each rejects with what the SDK throws; `classify` knows it. */
export class Calls {
  readonly #client: CloudWatchLogsClient
  readonly #credentials: Credentials | undefined
  readonly #clock: Clock

  /**
   * @param credentials of the client, if they can be renewed
   * @param clock learns the time of AWS
   */
  constructor(client: CloudWatchLogsClient, credentials?: Credentials, clock = new Clock()) {
    this.#client = client
    this.#credentials = credentials
    this.#clock = clock
  }

  /**
   * The events are ready, so the SDK serializes a call without any, and the body is put in before it is measured and signed.
   * @param body of the request, compressed if `gzip`
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
    tags: Readonly<Record<string, string>> | undefined,
    signal: AbortSignal,
  ): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new CreateLogGroupCommand({ logGroupName: group, ...(tags === undefined ? {} : { tags }) })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  async putRetentionPolicy(group: string, days: number, signal: AbortSignal): Promise<unknown> {
    await this.needCredentials(signal)
    const command = new PutRetentionPolicyCommand({ logGroupName: group, retentionInDays: days })
    return this.#send(() => this.#client.send(command, { abortSignal: signal }))
  }

  /** @throws NoCredentials if there are none, or none in time */
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

  /** Undefined where neither the environment, nor the profile, nor instance metadata names one. */
  async region(): Promise<string | undefined> {
    try {
      return (await this.#client.config.region()) || undefined
    } catch {
      // How the SDK says that it found none.
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
        // How wrong the time was that the call was signed with: it tells a wrong clock from a wrong secret.
        Object.assign(error as object, { signingSkewMs: Math.abs(config.systemClockOffset - signedWithMs) })
      }
      throw error
    } finally {
      this.#clock.learn(config.systemClockOffset)
    }
  }
}
