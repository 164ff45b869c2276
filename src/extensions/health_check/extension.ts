import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Component, ComponentSettings, Host } from '../../component/component.ts'
import { Listener } from '../../listen/socket/listener.ts'
import { healthAnswer } from './answer.ts'
import type { HealthCheckConfig } from './config.ts'

/** A probe holds one connection for a moment; this bounds stray clients. */
const MAX_CONNECTIONS = 100

/** Reports to probes whether the pipelines run and can keep the records they accept. */
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

  /** Answers 503 until then: extensions stop after the pipelines have drained. */
  async shutdown(): Promise<void> {
    await this.#listener.close(AbortSignal.abort())
  }

  pipelineReady(ready: boolean): void {
    this.#readySinceMs = ready ? (this.#readySinceMs ?? Date.now()) : undefined
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { path, response_body } = this.#settings.config
    // Like Go's ServeMux: the pattern `/` matches every path, any other only itself.
    if (path !== '/' && request.url?.split('?')[0] !== path) {
      response.writeHead(404).end()
      return
    }
    // A pod that cannot keep new records is not ready, although it drains.
    const readySinceMs = this.#host?.obstacle?.() === undefined ? this.#readySinceMs : undefined
    const { status, contentType, body } = healthAnswer(readySinceMs, Date.now(), response_body)
    response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body)
  }
}
