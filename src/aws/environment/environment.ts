import { ComponentError } from '../../component/component.ts'
import { hasControl } from '../../config/schema/fields.ts'
import type { Environment } from '../../config/sources/retrieve.ts'
import { AWS_VARIABLES, type AwsVariable } from './variables.ts'

/** Credentials from environment variables. */
export interface StaticCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/** Variables that suggest credentials will be found; only the first call shows whether they are valid. */
const SIGNS_OF_CREDENTIALS: readonly AwsVariable[] = [
  'AWS_ACCESS_KEY_ID',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
]

/** The environment as the AWS SDKs read it. Values are read on access; an empty value counts as unset. */
export class AwsEnvironment {
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  /** The first value that is set, without surrounding white space; undefined if all are unset or empty. */
  get(...names: readonly AwsVariable[]): string | undefined {
    for (const name of names) {
      const value = this.#env[name]?.trim()
      if (value !== undefined && value !== '') return value
    }
    return undefined
  }

  get region(): string | undefined {
    return this.get('AWS_REGION', 'AWS_DEFAULT_REGION')
  }

  get profile(): string | undefined {
    return this.get('AWS_PROFILE', 'AWS_DEFAULT_PROFILE')
  }

  /** Undefined also if the environment says to ignore configured endpoints. */
  get endpoint(): string | undefined {
    if (this.switch('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS') === true) return undefined
    return this.get('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', 'AWS_ENDPOINT_URL')
  }

  /** Undefined unless both halves of a key are set. */
  get credentials(): StaticCredentials | undefined {
    const accessKeyId = this.get('AWS_ACCESS_KEY_ID')
    const secretAccessKey = this.get('AWS_SECRET_ACCESS_KEY')
    if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
    const sessionToken = this.get('AWS_SESSION_TOKEN')
    const expiration = this.get('AWS_CREDENTIAL_EXPIRATION')
    return {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      ...(expiration === undefined ? {} : { expiration: new Date(expiration) }),
    }
  }

  get seemsToHaveCredentials(): boolean {
    return SIGNS_OF_CREDENTIALS.some((name) => this.get(name) !== undefined)
  }

  /** Whether instance metadata must not be queried for a Region or credentials. */
  get metadataDisabled(): boolean {
    const value = this.get('AWS_EC2_METADATA_DISABLED')
    return value !== undefined && value.toLowerCase() !== 'false'
  }

  /** @throws ComponentError if it is set to neither true nor false */
  switch(name: AwsVariable): boolean | undefined {
    const value = this.get(name)?.toLowerCase()
    if (value === undefined) return undefined
    if (value === 'true') return true
    if (value === 'false') return false
    throw new ComponentError(`${name}: ${JSON.stringify(value)} is neither true nor false: write one of them`)
  }

  /** @throws ComponentError naming a variable with an unusable value, without the value if it is secret */
  check(): void {
    for (const [name, { kind }] of Object.entries(AWS_VARIABLES) as [
      AwsVariable,
      (typeof AWS_VARIABLES)[AwsVariable],
    ][]) {
      const value = this.get(name)
      if (value === undefined) continue
      if (hasControl(value))
        throw new ComponentError(
          `${name}: has a line break or another control character in it: write the value alone, on one line`,
        )
      if (kind === 'switch') this.switch(name)
    }
    const expiration = this.get('AWS_CREDENTIAL_EXPIRATION')
    if (expiration !== undefined && Number.isNaN(Date.parse(expiration)))
      throw new ComponentError(
        `AWS_CREDENTIAL_EXPIRATION: ${JSON.stringify(expiration)} is not a time: write one such as 2026-11-28T10:00:00Z`,
      )
    const endpoint = this.endpoint
    if (endpoint?.includes('@') === true)
      throw new ComponentError('AWS_ENDPOINT_URL: contains a user or password: write https://host or http://host:port')
    if (endpoint !== undefined && !isHttpUrl(endpoint))
      throw new ComponentError(
        `AWS_ENDPOINT_URL: ${JSON.stringify(endpoint)} is not a URL: write https://host or http://host:port`,
      )
  }
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text)
}
