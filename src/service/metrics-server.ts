import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Component } from '../component/component.ts'
import type { ServiceTelemetry } from '../config/service-telemetry.ts'
import { Listener } from '../listen/listener.ts'
import type { Logger } from '../telemetry/logger.ts'
import { PROMETHEUS_CONTENT_TYPE } from '../telemetry/prometheus-text.ts'

/** A scraper holds one connection; the bound keeps a stray client from holding them all. */
const MAX_CONNECTIONS = 100

export interface Address {
  readonly host: string
  readonly port: number
}

/** Where `service.telemetry.metrics` wants to be scraped. */
export function metricsAddresses({ metrics }: ServiceTelemetry): readonly Address[] {
  if (metrics.level === 'none') return []
  return metrics.readers.map(({ pull }) => pull.exporter.prometheus)
}

/** Serves `GET /metrics`, and nothing else. */
export class MetricsServer implements Component {
  readonly #render: () => string
  readonly #logger: Logger
  readonly #listener: Listener

  /** @param address port 0 lets the system choose */
  constructor({ host, port }: Address, render: () => string, logger: Logger) {
    this.#render = render
    this.#logger = logger
    this.#listener = new Listener(
      createServer((request, response) => this.#answer(request, response)),
      {
        endpoint: { kind: 'tcp', host, port, family: 0 },
        where: 'readers[].pull.exporter.prometheus',
        maxConnections: MAX_CONNECTIONS,
        logger,
      },
    )
  }

  async start(): Promise<void> {
    await this.#listener.open()
    this.#logger.info('metrics', { url: `http://${this.#listener.address}/metrics` })
  }

  /** Cuts scrapes off instead of waiting for them. */
  async shutdown(): Promise<void> {
    await this.#listener.close(AbortSignal.abort())
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end('only /metrics is here\n')
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
      return
    }
    try {
      const text = this.#render()
      response.writeHead(200, { 'content-type': PROMETHEUS_CONTENT_TYPE }).end(text)
    } catch (error) {
      this.#logger.error('metrics cannot be collected', { error })
      response.writeHead(500).end()
    }
  }
}
