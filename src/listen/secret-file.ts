import { readFile } from 'node:fs/promises'
import { ComponentError } from '../component/component.ts'
import type { Logger } from '../telemetry/logger.ts'

/** How often a file is reread. Kubernetes and editors replace files in ways that not every watch notices. */
const CHECK_MS = 1_000

export interface SecretFileOptions<Content> {
  readonly path: string
  /** The YAML path of the option, for errors. */
  readonly where: string
  /** Throws a ComponentError with the problem and its place, without showing the content. */
  readonly parse: (text: string) => Content
  readonly logger: Logger
}

/** A file of credentials, read at start and reread while the daemon runs. Its content never reaches logs or errors. */
export class SecretFile<Content> {
  readonly #options: SecretFileOptions<Content>
  #text = ''
  #content: Content | undefined
  #timer: NodeJS.Timeout | undefined
  #reading: Promise<void> | undefined

  constructor(options: SecretFileOptions<Content>) {
    this.#options = options
  }

  /** Undefined while the file cannot be used: its previous credentials may have been revoked. */
  get content(): Content | undefined {
    return this.#content
  }

  /** @throws ComponentError if it cannot be read or parsed */
  async start(): Promise<void> {
    await this.#read()
    this.#timer = setInterval(() => {
      this.#reading ??= this.#readAgain().finally(() => (this.#reading = undefined))
    }, CHECK_MS).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#reading
  }

  async #readAgain(): Promise<void> {
    const { path, logger } = this.#options
    try {
      if (await this.#read()) logger.info('credentials reloaded', { file: path })
    } catch (error) {
      this.#content = undefined
      logger.error('credentials cannot be reloaded; requests are refused with retry until they can', {
        error: error instanceof Error ? error.message : String(error),
      })
    }
  }

  /** @returns true if the content changed */
  async #read(): Promise<boolean> {
    const text = await this.#textOf()
    if (this.#content !== undefined && text === this.#text) return false
    this.#content = this.#options.parse(text)
    this.#text = text
    return true
  }

  async #textOf(): Promise<string> {
    const { path, where } = this.#options
    try {
      return await readFile(path, 'utf8')
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw new ComponentError(
        `${where}: ${path} cannot be read (${code}): write the path of a file this process may read`,
        { cause },
      )
    }
  }
}
