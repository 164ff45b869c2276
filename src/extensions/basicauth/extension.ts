import type { Authentication, Authenticator, RequestHead } from '../../component/authenticator.ts'
import { type Component, ComponentError, type ComponentSettings } from '../../component/component.ts'
import type { Refused, Retry } from '../../accounting/outcome.ts'
import { SecretFile } from '../../listen/secret-file.ts'
import { Tenants } from '../../listen/tenants.ts'
import type { Config } from './config.ts'
import { parseHtpasswd, type Users } from './htpasswd.ts'
import { parseCredentials } from './credentials.ts'

/** Authenticates users of an htpasswd file (RFC 7617). */
export class BasicAuth implements Component, Authenticator {
  readonly challenge = 'Basic realm="otlp", charset="UTF-8"'
  readonly #inline: Users
  readonly #file: SecretFile<Users> | undefined
  readonly #tenants: Tenants | undefined

  constructor({ config, logger }: ComponentSettings<Config>) {
    const { file: path, inline } = config.htpasswd
    this.#inline = inline === undefined ? NO_USERS : usersIn(inline, 'htpasswd.inline')
    this.#file =
      path === undefined
        ? undefined
        : new SecretFile({
            path,
            where: 'htpasswd.file',
            logger,
            parse: (text) => usersIn(text, `htpasswd.file: ${path}`),
          })
    this.#tenants = config.tenants === undefined ? undefined : new Tenants(config.tenants)
  }

  async start(): Promise<void> {
    await this.#file?.start()
  }

  async shutdown(): Promise<void> {
    await this.#file?.close()
  }

  authenticate(head: RequestHead): Authentication {
    const given = parseCredentials(head.header('authorization'))
    if (given === undefined) return MISSING
    const inFile = this.#file?.content
    const password = this.#inline.get(given.user) ?? inFile?.get(given.user)
    // Checking an unknown user takes as long as checking a known one.
    const compared = password ?? first(this.#inline) ?? first(inFile)
    if (compared?.is(given.password) === true && password !== undefined)
      return this.#tenants?.find(given.user) ?? { kind: 'authenticated', identity: undefined }
    const unreadable = this.#file !== undefined && inFile === undefined
    return unreadable && password === undefined ? UNREADABLE : WRONG
  }
}

/** @throws ComponentError that names the line */
function usersIn(text: string, where: string): Users {
  const users = parseHtpasswd(text)
  if (typeof users === 'string') throw new ComponentError(`${where}: ${users}`)
  return users
}

function first<T>(map: ReadonlyMap<string, T> | undefined): T | undefined {
  return map?.values().next().value
}

const NO_USERS: Users = new Map()

const MISSING: Refused = {
  kind: 'refused',
  cause: 'unauthenticated',
  message: 'the request has no user and password: send Authorization: Basic <base64 of user:password>',
}

const WRONG: Refused = {
  kind: 'refused',
  cause: 'unauthenticated',
  message: 'the user or the password is wrong',
}

const UNREADABLE: Retry = {
  kind: 'retry',
  cause: 'auth_unavailable',
  afterMs: 5_000,
  message: 'passwords cannot be checked at the moment: try again later',
}
