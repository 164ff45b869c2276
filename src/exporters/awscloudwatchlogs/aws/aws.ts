// What stands between the exporter and the AWS SDK, which takes a third of the memory a daemon has at its start and half
// of the time: it is loaded for the first call.

import { ComponentError } from '../../../component/component.ts'
import type { Calls } from './calls.ts'
import type { ClientConfig, CredentialProvider } from './client.ts'
import { connectionOptions, type ConnectionOptions } from './connection.ts'

/** Has the SDK loaded, and a client made, once. */
export type CallAws = () => Promise<Calls>

/** Each says that credentials will be found; what they are worth is for the first call to see. */
const SIGNS_OF_CREDENTIALS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
]

export class Aws {
  readonly #config: ClientConfig
  readonly #connection: ConnectionOptions
  readonly #env: NodeJS.ProcessEnv
  readonly #credentialProvider: CredentialProvider | undefined
  #calls: Promise<Calls> | undefined

  /**
   * @param connections most connections at once
   * @param credentialProvider in place of the credentials of the config
   * @throws ComponentError if a certificate file cannot be read, or this Node has no proxies
   */
  constructor(
    config: ClientConfig,
    connections: number,
    env: NodeJS.ProcessEnv,
    credentialProvider: CredentialProvider | undefined,
  ) {
    this.#config = config
    this.#connection = connectionOptions(config, connections, env)
    this.#env = env
    this.#credentialProvider = credentialProvider
  }

  readonly calls: CallAws = () => {
    this.#calls ??= this.#load().catch((error: unknown) => {
      // No descriptors left, say: the next call may have one.
      this.#calls = undefined
      throw error
    })
    return this.#calls
  }

  /** @throws ComponentError if none can be found */
  async region(): Promise<string> {
    const region = this.#namedRegion ?? (await (await this.calls()).region())
    if (region !== undefined) return region
    throw new ComponentError('region: none is set: write region, or set AWS_REGION (instance metadata was asked too)')
  }

  /** Whether there is no need to look for credentials before the first call. */
  get seemsToHaveCredentials(): boolean {
    const { credentials, role_arn: role, profile } = this.#config
    if (role !== '' || profile !== '' || this.#credentialProvider !== undefined) return false
    return credentials !== undefined || SIGNS_OF_CREDENTIALS.some((name) => Boolean(this.#env[name]))
  }

  async close(): Promise<void> {
    ;(await this.#calls)?.close()
  }

  /** As the SDK looks for it first, too. */
  get #namedRegion(): string | undefined {
    return this.#config.region || this.#env['AWS_REGION'] || undefined
  }

  async #load(): Promise<Calls> {
    const [{ createClient }, { Calls }] = await Promise.all([import('./client.ts'), import('./calls.ts')])
    return new Calls(await createClient(this.#config, this.#namedRegion, this.#connection, this.#credentialProvider))
  }
}
