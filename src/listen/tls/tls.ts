import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContextOptions, type SecureVersion, type TlsOptions } from 'node:tls'
import { ComponentError } from '../../component/component.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { CIPHER_SUITES, CURVES, type ServerTlsConfig } from './tls-config.ts'

/** How often to check `client_ca_file` if `reload_interval` is unset. */
const CLIENT_CA_CHECK_MS = 10_000
/** A client that stalls in the handshake holds a connection; Node's own limit is 120 s. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** A server's certificates, read at start and reloaded while it runs. */
export class ServerTls {
  readonly #config: ServerTlsConfig
  readonly #where: string
  readonly #logger: Logger
  #files: SecureContextOptions = {}
  #timer: NodeJS.Timeout | undefined
  #reading: Promise<void> | undefined
  #loggedError = ''

  /** @param where the YAML path of the `tls` section, for errors */
  constructor(config: ServerTlsConfig, where: string, logger: Logger) {
    this.#config = config
    this.#where = where
    this.#logger = logger
  }

  /** Options for `tls.createServer` and `http2.createSecureServer`. @throws ComponentError */
  async load(): Promise<TlsOptions> {
    this.#files = await this.#read(true)
    return {
      ...this.#context(this.#files),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ...(this.#config.client_ca_file !== undefined && { requestCert: true, rejectUnauthorized: true }),
    }
  }

  /** Passes changed files to the server from now on. A file that cannot be used is logged once, and the old one stays. */
  watch(server: { setSecureContext(options: SecureContextOptions): void }): void {
    const { reload_interval, client_ca_file_reload } = this.#config
    const everyMs = reload_interval ?? (client_ca_file_reload ? CLIENT_CA_CHECK_MS : undefined)
    if (everyMs === undefined) return
    this.#timer = setInterval(() => {
      this.#reading ??= this.#reload(server).finally(() => (this.#reading = undefined))
    }, everyMs).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#reading
  }

  async #reload(server: { setSecureContext(options: SecureContextOptions): void }): Promise<void> {
    try {
      const files = await this.#read(false)
      if (same(files, this.#files)) return
      server.setSecureContext(this.#context(files))
      this.#files = files
      this.#loggedError = ''
      this.#logger.info('certificates reloaded', { tls: this.#where })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (message === this.#loggedError) return
      this.#loggedError = message
      this.#logger.warn('certificates could not be reloaded; the previous ones stay in use', { error: message })
    }
  }

  /** @param all false keeps files that are not configured to reload */
  async #read(all: boolean): Promise<SecureContextOptions> {
    const config = this.#config
    const own = all || config.reload_interval !== undefined
    const ca = all || config.client_ca_file_reload
    const files: SecureContextOptions = {
      cert: own ? (config.cert_pem ?? (await this.#file('cert_file'))) : this.#files.cert,
      key: own ? (config.key_pem ?? (await this.#file('key_file'))) : this.#files.key,
      ...(config.client_ca_file !== undefined && { ca: ca ? await this.#file('client_ca_file') : this.#files.ca }),
    }
    try {
      createSecureContext(this.#context(files))
    } catch (cause) {
      throw this.#unusable(cause as Error)
    }
    return files
  }

  async #file(field: 'cert_file' | 'key_file' | 'client_ca_file'): Promise<string> {
    const path = this.#config[field] ?? ''
    try {
      return await readFile(path, 'utf8')
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new ComponentError(
        `${this.#where}.${field}: ${path} cannot be read (${code}): write the path of a PEM file this process may read`,
        { cause },
      )
    }
  }

  #unusable(cause: Error): ComponentError {
    const { cert_file = 'cert_pem', key_file = 'key_pem' } = this.#config
    const files = [cert_file, key_file, this.#config.client_ca_file].filter((file) => file !== undefined).join(', ')
    const what = cause.message.includes('key values mismatch')
      ? `the key ${key_file} does not belong to the certificate ${cert_file}: write the two that were made together`
      : `${files} cannot be used (${cause.message}): write PEM files of a certificate and its key`
    return new ComponentError(`${this.#where}: ${what}`, { cause })
  }

  #context(files: SecureContextOptions): SecureContextOptions {
    const { min_version, max_version, cipher_suites, curve_preferences } = this.#config
    return {
      ...files,
      minVersion: version(min_version),
      ...(max_version !== undefined && { maxVersion: version(max_version) }),
      ...(cipher_suites !== undefined && { ciphers: cipher_suites.map((name) => CIPHER_SUITES[name]).join(':') }),
      ...(curve_preferences !== undefined && { ecdhCurve: curve_preferences.map((name) => CURVES[name]).join(':') }),
    }
  }
}

function version(written: '1.0' | '1.1' | '1.2' | '1.3'): SecureVersion {
  return written === '1.0' ? 'TLSv1' : `TLSv${written}`
}

function same(a: SecureContextOptions, b: SecureContextOptions): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca
}
