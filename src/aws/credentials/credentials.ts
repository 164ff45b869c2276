// Renewable credentials. The AWS SDK caches credentials without an expiration forever, and each file it has read, so it would
// never see a key that was rotated on disk.

import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { hasControl } from '../../config/schema/fields.ts'
import type { AwsEnvironment, StaticCredentials } from '../environment/environment.ts'
import { LocalFault } from '../local-fault.ts'

/** The AWS SDK's AwsCredentialIdentityProvider, such as `fromSSO()`, or a function of the application. */
export type CredentialProvider = () => Promise<StaticCredentials>

/** A CredentialProvider that the SDK calls. */
type Source = (options?: CredentialRequest) => Promise<StaticCredentials>

/** Options the SDK passes to a provider. */
export type CredentialRequest = Readonly<Record<string, unknown>> & {
  /** The last credentials were refused, so cached ones must not be returned. */
  readonly forceRefresh?: boolean
}

/** Credential settings of a component. Undefined leaves a value to the environment. */
export interface CredentialSettings {
  readonly profile: string | undefined
  /** Role to assume. */
  readonly roleArn: string | undefined
  readonly externalId: string | undefined
  readonly credentials: StaticCredentials | undefined
}

export interface CredentialEnvironment {
  readonly env: AwsEnvironment
  /** Undefined: the SDK looks it up. */
  readonly region: string | undefined
  readonly requestHandler: object
  /** The application's provider, instead of the settings' credentials. */
  readonly own: CredentialProvider | undefined
}

/** Minimum time between two renewals, ms: concurrent puts are refused together. */
const MIN_RENEWAL_MS = 1_000

const silent = () => {}
const SILENT = { debug: silent, info: silent, warn: silent, error: silent }

export class Credentials {
  readonly #settings: CredentialSettings
  readonly #environment: CredentialEnvironment
  #source: Source | undefined
  /** The pending request, if any. */
  #pending: Promise<StaticCredentials> | undefined
  /** Goes up with each renewal. */
  #generation = 0
  #refused = false
  #renewedAtMs = Number.NEGATIVE_INFINITY

  constructor(settings: CredentialSettings, environment: CredentialEnvironment) {
    this.#settings = settings
    this.#environment = environment
  }

  /** The provider for the SDK's client, which caches its result until that expires or until `forceRefresh`. */
  readonly provider: Source = (options) => {
    if (options?.forceRefresh === true) {
      this.#source = undefined
      this.#pending = undefined
    }
    // Concurrent calls share one request: the source of credentials may be slow, and may throttle.
    if (this.#pending !== undefined) return this.#pending
    const pending = this.#get(options).finally(() => {
      if (this.#pending === pending) this.#pending = undefined
    })
    this.#pending = pending
    return pending
  }

  async #get(options: CredentialRequest | undefined): Promise<StaticCredentials> {
    this.#source ??= await this.#build()
    return onOneLine(await this.#source(options))
  }

  /** Generation of the credentials that a call is signed with, for `refused`. */
  get generation(): number {
    return this.#generation
  }

  /** Reports that AWS refused the credentials of `generation`; if they are still in use, they will be renewed. */
  refused(generation: number): void {
    if (generation === this.#generation) this.#refused = true
  }

  /**
   * Gets credentials, without any cache if the last ones were refused.
   * @param get gets them from the client, which caches them
   */
  async renewIfRefused(get: (options: CredentialRequest) => Promise<unknown>): Promise<unknown> {
    if (!this.#refused || performance.now() - this.#renewedAtMs < MIN_RENEWAL_MS) return get({})
    this.#refused = false
    this.#renewedAtMs = performance.now()
    this.#generation++
    try {
      return await get({ forceRefresh: true })
    } catch (error) {
      // The client still has the refused ones: the next call has to renew them.
      this.#refused = true
      throw error
    }
  }

  async #build(): Promise<Source> {
    const source = this.#baseSource()
    const { roleArn, externalId } = this.#settings
    if (roleArn === undefined) return source
    const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
    const { region, requestHandler, env } = this.#environment
    const profile = this.#settings.profile ?? env.profile
    return fromTemporaryCredentials({
      masterCredentials: source,
      params: {
        RoleArn: roleArn,
        RoleSessionName: 'otlp-cloudwatch',
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
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
    const { credentials, profile } = this.#settings
    if (credentials !== undefined) return async () => credentials
    let chain: Source | undefined
    return async (options) => {
      // Keys in the environment take precedence over AWS_PROFILE, as in the AWS CLI and the SDKs for Go and Python. Only the SDK
      // for JavaScript does the opposite, and announces that this may change.
      const keys = profile === undefined ? env.credentials : undefined
      if (keys !== undefined) return keys
      const name = profile ?? env.profile
      const { region } = this.#environment
      chain ??= defaultProvider({
        ...(name === undefined ? {} : { profile: name }),
        // Otherwise the SDK uses a file as this process first read it, or remembers that it was missing.
        ignoreCache: true,
        // It would warn on the console, not in the log, that both keys and a profile are set.
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
 * Credentials from a file, a process or a service, without surrounding white space.
 * @throws LocalFault naming the part that contains a line break, which a header cannot hold
 */
function onOneLine(given: StaticCredentials): StaticCredentials {
  const trimmed = { ...given }
  for (const part of ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const) {
    const value: unknown = given[part]
    if (typeof value !== 'string') continue
    trimmed[part] = value.trim()
    if (hasControl(trimmed[part]))
      throw new LocalFault(`the ${part} has a line break or another control character in it: correct it at its source`)
  }
  return trimmed
}
