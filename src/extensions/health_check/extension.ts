import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Component, ComponentSettings, Host } from '../../component/component.ts'
import { Listener } from '../../listen/socket/listener.ts'
import { healthAnswer } from './answer.ts'
import type { HealthCheckConfig } from './config.ts'

/** A probe holds one connection for a moment; the bound keeps a stray client from holding them all. */
const MAX_CONNECTIONS = 100

/** Tells probes whether the pipelines run, and can keep what they take. */
export class HealthCheck implements Component {
  readonly #settings: ComponentSettings<HealthCheckConfig>
  readonly #listener: Listener
  #host: Host | undefined
  /** Wall clock, ms; undefined while the pipelines do not run. */
  #readySinceMs: number | undefined

  constructor(settings: ComponentSettings<HealthCheckConfig>) {
    this.#settings = settings
    this.#listener = new Listener(
      createServer((request, response) => this.#answer(request, response)),
      {
        endpoint: settings.config.endpoint,
        where: 'endpoint',
        maxConnections: MAX_CONNECTIONS,
        logger: settings.logger,
      },
    )
  }

  async start(host: Host): Promise<void> {
    this.#host = host
    await this.#listener.open()
    this.#settings.logger.info('listening', { http: this.#listener.address })
  }

  /** Answers 503 to the last: extensions stop after the pipelines have drained. */
  async shutdown(): Promise<void> {
    await this.#listener.close(AbortSignal.abort())
  }

  pipelineReady(ready: boolean): void {
    this.#readySinceMs = ready ? (this.#readySinceMs ?? Date.now()) : undefined
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { path, response_body } = this.#settings.config
    // As Go's ServeMux does: a pattern that is `/` matches every path, any other only itself.
    if (path !== '/' && request.url?.split('?')[0] !== path) {
      response.writeHead(404).end()
      return
    }
    // A pod that cannot keep what it is sent is not ready, though it drains.
    const readySinceMs = this.#host?.obstacle?.() === undefined ? this.#readySinceMs : undefined
    const { status, contentType, body } = healthAnswer(readySinceMs, Date.now(), response_body)
    response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body)
  }
}
