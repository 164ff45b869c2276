// Loads the AWS SDK for the first call: loading it takes half of the daemon's start time and a third of its memory at start.

import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { Clock } from '../../../aws/clock.ts'
import { type Connection, openConnection } from '../../../aws/connection/connection.ts'
import type { CredentialProvider } from '../../../aws/credentials/credentials.ts'
import { AwsEnvironment } from '../../../aws/environment/environment.ts'
import { ensureHome } from '../../../aws/environment/home.ts'
import { LocalFault } from '../../../aws/local-fault.ts'
import { ComponentError } from '../../../component/component.ts'
import type { Calls } from './calls.ts'
import type { ClientParts, ClientSettings } from './client.ts'

/** Loads the SDK and creates a client, once. */
export type CallAws = () => Promise<Calls>

export class Aws {
  /** AWS's time, once AWS has answered. */
  readonly clock: Clock
  readonly #settings: ClientSettings
  readonly #connection: Connection
  readonly #variables: NodeJS.ProcessEnv
  readonly #env: AwsEnvironment
  readonly #credentialProvider: CredentialProvider | undefined
  #calls: Promise<Calls> | undefined

  /**
   * @param connections maximum concurrent connections
   * @param variables environment variables; HOME is set there if the process has no home directory
   * @param credentialProvider replaces the credentials of the settings
   * @throws ComponentError naming an unusable option or variable
   */
  constructor(
    settings: ClientSettings,
    connections: number,
    variables: NodeJS.ProcessEnv,
    credentialProvider: CredentialProvider | undefined,
    clock = new Clock(),
  ) {
    this.#settings = settings
    this.clock = clock
    this.#variables = variables
    this.#env = new AwsEnvironment(variables)
    this.#env.check()
    checkEndpoint(settings, this.#env)
    this.#connection = openConnection(settings, connections, this.#env)
    this.#credentialProvider = credentialProvider
  }

  readonly calls: CallAws = () => {
    this.#calls ??= this.#load().catch((error: unknown) => {
      // For example no free file descriptor: the next call may succeed.
      this.#calls = undefined
      throw new LocalFault(error)
    })
    return this.#calls
  }

  /** @throws ComponentError if none can be found */
  async region(): Promise<string> {
    const region = this.#namedRegion ?? (await (await this.calls()).region())
    if (region === undefined) throw noRegion(this.#env)
    return valid(region)
  }

  /**
   * The Region if it is known without instance metadata; undefined if that must be queried.
   * @throws ComponentError if there is none
   */
  async knownRegion(): Promise<string | undefined> {
    const region = this.#namedRegion ?? (this.#env.metadataDisabled ? await (await this.calls()).region() : undefined)
    if (region !== undefined) return valid(region)
    if (this.#env.metadataDisabled) throw noRegion(this.#env)
    return undefined
  }

  /** Whether credentials need not be looked up before the first call. */
  get seemsToHaveCredentials(): boolean {
    const { credentials, roleArn, profile } = this.#settings
    if (roleArn !== undefined || profile !== undefined || this.#credentialProvider !== undefined) return false
    return credentials !== undefined || this.#env.seemsToHaveCredentials
  }

  async close(): Promise<void> {
    ;(await this.#calls)?.close()
  }

  get #namedRegion(): string | undefined {
    return this.#settings.region ?? this.#env.region
  }

  /** A client of its own, for commands that read. The caller destroys it. */
  async readingClient(): Promise<CloudWatchLogsClient> {
    const { MAX_PAGE_BYTES } = await import('./bound-answer.ts')
    return (await this.#clientParts(MAX_PAGE_BYTES)).client
  }

  async #load(): Promise<Calls> {
    const [{ client, credentials }, { Calls }] = await Promise.all([this.#clientParts(), import('./calls.ts')])
    return new Calls(client, credentials, this.clock)
  }

  async #clientParts(maxAnswerBytes?: number): Promise<ClientParts> {
    ensureHome(this.#variables)
    const { createClient } = await import('./client.ts')
    const [region, own] = [this.#namedRegion, this.#credentialProvider]
    return createClient(this.#settings, this.#env, region, this.#connection, own, maxAnswerBytes)
  }
}

/** A host name label, since the Region becomes part of a host name: `us-east-1`. */
const REGION = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

function valid(region: string): string {
  if (REGION.test(region)) return region
  throw new ComponentError(`region: ${JSON.stringify(region)} is not a Region: write one such as eu-central-1`)
}

function noRegion(env: AwsEnvironment): ComponentError {
  const asked = env.metadataDisabled
    ? 'AWS_EC2_METADATA_DISABLED disables instance metadata'
    : 'instance metadata has none either'
  return new ComponentError(`region: none is set: write region, or set AWS_REGION (${asked})`)
}

/** Rejects a combination with which the SDK would refuse every call. */
function checkEndpoint({ endpoint, fips, dualstack }: ClientSettings, env: AwsEnvironment): void {
  const source = endpoint !== undefined ? 'endpoint' : env.endpoint === undefined ? undefined : 'AWS_ENDPOINT_URL'
  if (source === undefined) return
  for (const [value, variable] of [
    [fips, 'AWS_USE_FIPS_ENDPOINT'],
    [dualstack, 'AWS_USE_DUALSTACK_ENDPOINT'],
  ] as const)
    if (value ?? env.switch(variable))
      throw new ComponentError(
        `${source}: cannot be combined with ${value === undefined ? variable : variable === 'AWS_USE_FIPS_ENDPOINT' ? 'fips' : 'dualstack'}, which chooses the endpoint: remove one of them`,
      )
}
