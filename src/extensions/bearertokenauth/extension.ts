import type { Authentication, Authenticator, RequestHead } from '../../component/authenticator.ts'
import type { Component, ComponentSettings } from '../../component/component.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import type { Config } from './config.ts'
import { digestOf, fixedTokens, holds, tokenFile, type TokenSource } from './token-source.ts'

/** Authenticates senders by a token. */
export class BearerTokenAuth implements Component, Authenticator {
  readonly #settings: ComponentSettings<Config>
  /** Tenants first: a token that is also in an unbound source stays bound to its tenant. */
  readonly #sources: readonly TokenSource[]
  readonly #header: string
  readonly #missing: Refused
  readonly challenge: string

  constructor(settings: ComponentSettings<Config>) {
    const { header, scheme } = settings.config
    this.#settings = settings
    this.#sources = sourcesOf(settings)
    this.#header = header.toLowerCase()
    this.#missing = unauthenticated(
      `the request has no token: send ${header}: ${scheme === '' ? '' : `${scheme} `}<token>`,
    )
    this.challenge = `${scheme === '' ? 'Bearer' : scheme} realm="otlp"`
  }

  async start(): Promise<void> {
    const { filename, token, tokens } = this.#settings.config
    if (filename !== undefined && (token !== undefined || tokens !== undefined))
      this.#settings.logger.warn('token and tokens are not used: filename takes precedence, as in the collector')
    for (const source of this.#sources) await source.start()
  }

  async shutdown(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()))
  }

  authenticate(head: RequestHead): Authentication {
    const token = this.#tokenOf(head.header(this.#header))
    if (token === undefined) return this.#missing
    const digest = digestOf(token)
    const sources = this.#sources.filter(({ digests }) => digests !== undefined && holds(digests, digest))
    const [source] = sources
    if (source !== undefined) return { kind: 'authenticated', identity: source.identity }
    return this.#sources.some(({ digests }) => digests === undefined) ? UNREADABLE : UNKNOWN
  }

  #tokenOf(value: string | undefined): string | undefined {
    const { scheme } = this.#settings.config
    if (value === undefined || scheme === '') return value
    const blank = value.indexOf(' ')
    // RFC 9110, 11.1: a scheme is case-insensitive.
    const given = value.slice(0, Math.max(blank, 0))
    return given.toLowerCase() === scheme.toLowerCase() ? value.slice(blank + 1).trim() : undefined
  }
}

function sourcesOf({ config, logger }: ComponentSettings<Config>): TokenSource[] {
  const { filename, token, tokens, tenants = {} } = config
  const bound = Object.entries(tenants).map(([name, tenant]) => {
    const identity = { name, allowedGroups: tenant.allowed_log_groups }
    return tenant.filename === undefined
      ? fixedTokens(given(tenant.token), identity)
      : tokenFile(tenant.filename, `tenants.${name}.filename`, identity, logger)
  })
  const unbound =
    filename === undefined
      ? fixedTokens(tokens ?? given(token), undefined)
      : tokenFile(filename, 'filename', undefined, logger)
  return [...bound, unbound]
}

function given(token: string | undefined): readonly string[] {
  return token === undefined ? [] : [token]
}

function unauthenticated(message: string): Refused {
  return { kind: 'refused', cause: 'unauthenticated', message }
}

const UNKNOWN = unauthenticated('the token is unknown')

const UNREADABLE: Retry = {
  kind: 'retry',
  cause: 'auth_unavailable',
  afterMs: 5_000,
  message: 'tokens cannot be checked at the moment: try again later',
}
