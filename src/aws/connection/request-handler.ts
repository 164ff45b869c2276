import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler'
import type { Connection } from './connection.ts'

type Request = Parameters<NodeHttpHandler['handle']>[0]
type Options = Parameters<NodeHttpHandler['handle']>[1]

/** An HTTP handler for the SDK that sends each request directly or through the proxy, depending on its host. */
export class RequestHandler {
  readonly #connection: Connection
  readonly #direct: NodeHttpHandler
  readonly #proxied: NodeHttpHandler | undefined

  constructor(connection: Connection) {
    const { timeouts, direct, proxied } = connection
    this.#connection = connection
    this.#direct = new NodeHttpHandler({ ...timeouts, ...direct })
    this.#proxied = proxied === undefined ? undefined : new NodeHttpHandler({ ...timeouts, ...proxied })
  }

  get metadata(): NodeHttpHandler['metadata'] {
    return this.#direct.metadata
  }

  handle(request: Request, options?: Options): ReturnType<NodeHttpHandler['handle']> {
    return this.#handlerFor(request).handle(request, options)
  }

  destroy(): void {
    this.#direct.destroy()
    this.#proxied?.destroy()
    // A handler that was never used has not set its agents yet.
    const { direct, proxied } = this.#connection
    for (const agents of [direct, proxied]) {
      agents?.httpAgent.destroy()
      agents?.httpsAgent.destroy()
    }
  }

  updateHttpClientConfig(key: keyof NodeHttpHandlerOptions, value: NodeHttpHandlerOptions[typeof key]): void {
    this.#direct.updateHttpClientConfig(key, value)
    this.#proxied?.updateHttpClientConfig(key, value)
  }

  httpHandlerConfigs(): NodeHttpHandlerOptions {
    return this.#direct.httpHandlerConfigs()
  }

  #handlerFor({ protocol, hostname, port }: Request): NodeHttpHandler {
    if (this.#proxied === undefined) return this.#direct
    const scheme = protocol === 'http:' ? 'http' : 'https'
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const portText = String(port ?? (scheme === 'http' ? 80 : 443))
    return this.#connection.proxies.uses(scheme, host, portText) ? this.#proxied : this.#direct
  }
}
