// What stands between the exporter and the AWS SDK, which takes a third of the memory a daemon has at its start and half
// of the time: it is loaded for the first call.

import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { Clock } from '../../../aws/clock.ts'
import { type Connection, openConnection } from '../../../aws/connection/connection.ts'
import type { CredentialProvider } from '../../../aws/credentials/credentials.ts'
import { AwsEnvironment } from '../../../aws/environment/environment.ts'
import { ensureHome } from '../../../aws/environment/home.ts'
import { LocalFault } from '../../../aws/local-fault.ts'
import { ComponentError } from '../../../component/component.ts'
import type { Calls } from './calls.ts'
import type { ClientConfig, ClientParts } from './client.ts'

/** Has the SDK loaded, and a client made, once. */
export type CallAws = () => Promise<Calls>

export class Aws {
  /** The time as AWS has it, once AWS has answered. */
  readonly clock: Clock
  readonly #config: ClientConfig
  readonly #connection: Connection
  readonly #variables: NodeJS.ProcessEnv
  readonly #env: AwsEnvironment
  readonly #credentialProvider: CredentialProvider | undefined
  #calls: Promise<Calls> | undefined

  /**
   * @param connections maximum of connections at once
   * @param variables of the environment; HOME is set there if the process has no home directory
   * @param credentialProvider in place of the credentials of the config
   * @throws ComponentError naming the option or variable that cannot be used
   */
  constructor(
    config: ClientConfig,
    connections: number,
    variables: NodeJS.ProcessEnv,
    credentialProvider: CredentialProvider | undefined,
    clock = new Clock(),
  ) {
    this.#config = config
    this.clock = clock
    this.#variables = variables
    this.#env = new AwsEnvironment(variables)
    this.#env.check()
    checkEndpoint(config, this.#env)
    this.#connection = openConnection(config, connections, this.#env)
    this.#credentialProvider = credentialProvider
  }

  readonly calls: CallAws = () => {
    this.#calls ??= this.#load().catch((error: unknown) => {
      // No descriptors left, say: the next call may have one.
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
   * The Region as far as it can be known without asking instance metadata; undefined if that has to be asked.
   * @throws ComponentError if there will be none
   */
  async knownRegion(): Promise<string | undefined> {
    const region = this.#namedRegion ?? (this.#env.metadataDisabled ? await (await this.calls()).region() : undefined)
    if (region !== undefined) return valid(region)
    if (this.#env.metadataDisabled) throw noRegion(this.#env)
    return undefined
  }

  /** Whether there is no need to look for credentials before the first call. */
  get seemsToHaveCredentials(): boolean {
    const { credentials, role_arn: role, profile } = this.#config
    if (role !== '' || profile !== '' || this.#credentialProvider !== undefined) return false
    return credentials !== undefined || this.#env.seemsToHaveCredentials
  }

  async close(): Promise<void> {
    ;(await this.#calls)?.close()
  }

  get #namedRegion(): string | undefined {
    return this.#config.region || this.#env.region
  }

  /** A client of its own, for commands that read. The caller destroys it. */
  async readingClient(): Promise<CloudWatchLogsClient> {
    return (await this.#clientParts()).client
  }

  async #load(): Promise<Calls> {
    const [{ client, credentials }, { Calls }] = await Promise.all([this.#clientParts(), import('./calls.ts')])
    return new Calls(client, credentials, this.clock)
  }

  async #clientParts(): Promise<ClientParts> {
    ensureHome(this.#variables)
    const { createClient } = await import('./client.ts')
    return createClient(this.#config, this.#env, this.#namedRegion, this.#connection, this.#credentialProvider)
  }
}

/** A label of a host name, which is what it becomes: `us-east-1`. */
const REGION = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i

function valid(region: string): string {
  if (REGION.test(region)) return region
  throw new ComponentError(`region: ${JSON.stringify(region)} is not a Region: write one such as eu-central-1`)
}

function noRegion(env: AwsEnvironment): ComponentError {
  const asked = env.metadataDisabled
    ? 'AWS_EC2_METADATA_DISABLED keeps instance metadata from being asked'
    : 'instance metadata was asked too'
  return new ComponentError(`region: none is set: write region, or set AWS_REGION (${asked})`)
}

/** The SDK would refuse each call. */
function checkEndpoint({ endpoint, fips, dualstack }: ClientConfig, env: AwsEnvironment): void {
  const source = endpoint !== '' ? 'endpoint' : env.endpoint === undefined ? undefined : 'AWS_ENDPOINT_URL'
  if (source === undefined) return
  for (const [value, variable] of [
    [fips, 'AWS_USE_FIPS_ENDPOINT'],
    [dualstack, 'AWS_USE_DUALSTACK_ENDPOINT'],
  ] as const)
    if (value ?? env.switch(variable))
      throw new ComponentError(
        `${source}: cannot go with ${value === undefined ? variable : variable === 'AWS_USE_FIPS_ENDPOINT' ? 'fips' : 'dualstack'}, which chooses the endpoint: remove one of them`,
      )
}
