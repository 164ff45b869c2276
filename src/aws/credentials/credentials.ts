// Credentials that can be renewed: the AWS SDK keeps what has no expiration for good, and keeps each file it has read, so a
// key that was rotated on disk would never be seen.

import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { hasControl } from '../../config/schema/fields.ts'
import type { AwsEnvironment, StaticCredentials } from '../environment/environment.ts'
import { LocalFault } from '../local-fault.ts'

/** What the AWS SDK calls an AwsCredentialIdentityProvider: `fromSSO()`, say, or a function of the application. */
export type CredentialProvider = () => Promise<StaticCredentials>

/** The same, asked by the SDK. */
type Source = (options?: CredentialRequest) => Promise<StaticCredentials>

/** What the SDK hands to a provider. */
export type CredentialRequest = Readonly<Record<string, unknown>> & {
  /** What was given before was refused: nothing remembered may be given again. */
  readonly forceRefresh?: boolean
}

/** Options of a component that say where credentials come from. */
export interface CredentialConfig {
  readonly profile: string
  readonly role_arn: string
  readonly external_id: string
  readonly credentials?:
    | {
        readonly access_key_id: string
        readonly secret_access_key: string
        readonly session_token?: string | undefined
      }
    | undefined
}

export interface CredentialEnvironment {
  readonly env: AwsEnvironment
  /** Undefined leaves it to the SDK. */
  readonly region: string | undefined
  readonly requestHandler: object
  /** In place of the credentials of the config: that of an application. */
  readonly own: CredentialProvider | undefined
}

/** Least time between two renewals, ms. Puts that were under way together are refused together. */
const MIN_RENEWAL_MS = 1_000

const silent = () => {}
const SILENT = { debug: silent, info: silent, warn: silent, error: silent }

export class Credentials {
  readonly #config: CredentialConfig
  readonly #environment: CredentialEnvironment
  #source: Source | undefined
  /** An answer that has not come yet. */
  #asked: Promise<StaticCredentials> | undefined
  /** Goes up with each renewal. */
  #generation = 0
  #refused = false
  #renewedAtMs = Number.NEGATIVE_INFINITY

  constructor(config: CredentialConfig, environment: CredentialEnvironment) {
    this.#config = config
    this.#environment = environment
  }

  /** For the SDK's client, which remembers what it gave until that expires, or `forceRefresh` is asked for. */
  readonly provider: Source = (options) => {
    if (options?.forceRefresh === true) {
      this.#source = undefined
      this.#asked = undefined
    }
    // Concurrent calls share one request: the source of credentials may be slow, and may throttle.
    if (this.#asked !== undefined) return this.#asked
    const asked = this.#ask(options).finally(() => {
      if (this.#asked === asked) this.#asked = undefined
    })
    this.#asked = asked
    return asked
  }

  async #ask(options: CredentialRequest | undefined): Promise<StaticCredentials> {
    this.#source ??= await this.#build()
    return onOneLine(await this.#source(options))
  }

  /** Names the credentials that a call is signed with, for `refused`. */
  get generation(): number {
    return this.#generation
  }

  /** AWS refused a call that was signed with the credentials of `generation`; if they are still in use they are renewed. */
  refused(generation: number): void {
    if (generation === this.#generation) this.#refused = true
  }

  /**
   * Gets credentials, past everything that is remembered if the last ones were refused.
   * @param get asks the client, which remembers what it gets
   */
  async renewIfRefused(get: (options: CredentialRequest) => Promise<unknown>): Promise<unknown> {
    if (!this.#refused || performance.now() - this.#renewedAtMs < MIN_RENEWAL_MS) return get({})
    this.#refused = false
    this.#renewedAtMs = performance.now()
    this.#generation++
    try {
      return await get({ forceRefresh: true })
    } catch (error) {
      // The client still has the refused ones: the next call looks again.
      this.#refused = true
      throw error
    }
  }

  async #build(): Promise<Source> {
    const source = this.#baseSource()
    const { role_arn: role, external_id: externalId } = this.#config
    if (role === '') return source
    const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
    const { region, requestHandler, env } = this.#environment
    const profile = this.#config.profile || env.profile
    return fromTemporaryCredentials({
      masterCredentials: source,
      params: {
        RoleArn: role,
        RoleSessionName: 'otlp-cloudwatch',
        ...(externalId === '' ? {} : { ExternalId: externalId }),
      },
      clientConfig: {
        ...(region === undefined ? {} : { region }),
        ...(profile === undefined ? {} : { profile }),
        requestHandler: requestHandler as never,
      },
    }) as Source
  }

  #baseSource(): Source {
    const { own, env } = this.#environment
    if (own !== undefined) return own
    const written = staticCredentials(this.#config)
    if (written !== undefined) return async () => written
    const { profile } = this.#config
    let chain: Source | undefined
    return async (options) => {
      // Keys in the environment win over a profile named there, as with the AWS CLI and the SDKs for Go and Python. The
      // SDK for JavaScript alone has it the other way round, and says that this may change.
      const keys = profile === '' ? env.credentials : undefined
      if (keys !== undefined) return keys
      const name = profile || env.profile
      const { region } = this.#environment
      chain ??= defaultProvider({
        ...(name === undefined ? {} : { profile: name }),
        // Else the SDK gives the text of a file as it was when this process first read it, or that there was none.
        ignoreCache: true,
        // It would write to the console, past the log, that there are keys beside a profile.
        logger: SILENT,
        clientConfig: {
          ...(region === undefined ? {} : { region }),
          requestHandler: this.#environment.requestHandler as never,
        },
      }) as Source
      return chain(options)
    }
  }
}

/**
 * What a file, a process or a service gave, without white space around it.
 * @throws LocalFault naming the part with a line break inside: it cannot be put into a header
 */
function onOneLine(given: StaticCredentials): StaticCredentials {
  const trimmed = { ...given }
  for (const part of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
    const value: unknown = given[part]
    if (typeof value !== 'string') continue
    trimmed[part] = value.trim()
    if (hasControl(trimmed[part]))
      throw new LocalFault(
        `the ${part} has a line break or another control character in it: its source has to be corrected`,
      )
  }
  return trimmed
}

function staticCredentials({ credentials }: CredentialConfig): StaticCredentials | undefined {
  if (credentials === undefined) return undefined
  const { access_key_id, secret_access_key, session_token } = credentials
  return {
    accessKeyId: access_key_id,
    secretAccessKey: secret_access_key,
    ...(session_token === undefined ? {} : { sessionToken: session_token }),
  }
}
