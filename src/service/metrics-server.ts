import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Component } from '../component/component.ts'
import type { ServiceTelemetry } from '../config/schema/service-telemetry.ts'
import { Listener } from '../listen/socket/listener.ts'
import type { Logger } from '../telemetry/logger.ts'
import { PROMETHEUS_CONTENT_TYPE } from '../telemetry/prometheus-text.ts'

/** Bounds a misbehaving client; a scraper holds one connection. */
const MAX_CONNECTIONS = 100

export interface Address {
  readonly host: string
  readonly port: number
}

/** Returns the scrape addresses of `service.telemetry.metrics`. */
export function metricsAddresses({ metrics }: ServiceTelemetry): readonly Address[] {
  if (metrics.level === 'none') return []
  return metrics.readers.map(({ pull }) => pull.exporter.prometheus)
}

/** The contents of the two pages. */
export interface Readings {
  /** Prometheus text. */
  metrics(): Promise<string>
  /** Names log groups and streams, so only this machine may read it. */
  ledger(): Promise<unknown>
}

/** Serves `GET /metrics`, and to clients on this machine `GET /ledger`. */
export class MetricsServer implements Component {
  readonly #readings: Readings
  readonly #logger: Logger
  readonly #listener: Listener

  /** @param address port 0 lets the system choose */
  constructor({ host, port }: Address, readings: Readings, logger: Logger) {
    this.#readings = readings
    this.#logger = logger
    this.#listener = new Listener(
      createServer((request, response) => void this.#answer(request, response)),
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

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.split('?')[0]
    if (path !== '/metrics' && path !== '/ledger') {
      response.writeHead(404).end('not found: use /metrics or /ledger\n')
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
      return
    }
    if (path === '/ledger' && !isLoopback(request.socket.remoteAddress)) {
      response.writeHead(403).end('/ledger is available from this machine only\n')
      return
    }
    try {
      if (path === '/metrics') {
        const text = await this.#readings.metrics()
        response.writeHead(200, { 'content-type': PROMETHEUS_CONTENT_TYPE }).end(text)
      } else {
        const ledger = await this.#readings.ledger()
        response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(ledger, null, 1)}\n`)
      }
    } catch (error) {
      this.#logger.error('metrics cannot be collected', { error })
      response.writeHead(500).end()
    }
  }
}

/** Returns true for 127.0.0.0/8, also in IPv4-mapped form, and ::1. */
function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::1$|(?:::ffff:)?127\.)/.test(address)
}
