import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import * as z from 'zod'
import { Glob, matchesAny } from '../../component/glob.ts'

/** The collector's confighttp.CORSConfig. */
export const corsSchema = z.strictObject({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe('Allowed origins, such as `https://app.example.com`; `*` matches any characters.'),
  allowed_headers: z
    .array(z.string())
    .default([])
    .describe('Request headers that browsers may set in addition to the safelisted ones; `*` for all.'),
  exposed_headers: z.array(z.string()).default([]).describe('Response headers that scripts may read.'),
  max_age: z
    .int()
    .nonnegative()
    .default(0)
    .describe('Seconds a browser may cache the response to a preflight request.'),
})

export type CorsConfig = z.output<typeof corsSchema>

/** Headers that are always allowed: the Fetch standard's safelist, and those every OTLP sender sets. */
const SAFE_HEADERS = ['accept', 'accept-language', 'content-language', 'content-type']

/** Cross-origin requests, by the Fetch standard's CORS protocol. */
export class Cors {
  readonly #anyOrigin: boolean
  /** Scheme and host of an origin are case-insensitive (RFC 6454, 4). */
  readonly #origins: readonly Glob[]
  readonly #anyHeader: boolean
  readonly #headers: ReadonlySet<string>
  readonly #config: CorsConfig

  constructor(config: CorsConfig) {
    this.#config = config
    this.#anyOrigin = config.allowed_origins.includes('*')
    this.#origins = config.allowed_origins.map((origin) => new Glob(origin.toLowerCase()))
    this.#anyHeader = config.allowed_headers.includes('*')
    this.#headers = new Set([...SAFE_HEADERS, ...config.allowed_headers.map((name) => name.toLowerCase())])
  }

  /** Adds the headers that let a script read the response to `request`. */
  addHeaders(request: IncomingHttpHeaders, answer: OutgoingHttpHeaders): void {
    const origin = request.origin
    if (origin === undefined) return
    answer.vary = 'Origin'
    if (!this.#allow(origin, answer)) return
    if (this.#config.exposed_headers.length > 0) {
      answer['access-control-expose-headers'] = this.#config.exposed_headers.join(', ')
    }
  }

  /** Returns the response headers of a preflight request, without `access-control-allow-*` if it is not allowed. */
  preflight(request: IncomingHttpHeaders): OutgoingHttpHeaders {
    const answer: OutgoingHttpHeaders = {
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    }
    const asked = (request['access-control-request-headers'] ?? '').toLowerCase().split(',')
    const names = asked.map((name) => name.trim()).filter((name) => name !== '')
    if (request['access-control-request-method'] !== 'POST') return answer
    if (!this.#anyHeader && !names.every((name) => this.#headers.has(name))) return answer
    if (request.origin === undefined || !this.#allow(request.origin, answer)) return answer
    answer['access-control-allow-methods'] = 'POST'
    if (names.length > 0) answer['access-control-allow-headers'] = names.join(', ')
    if (this.#config.max_age > 0) answer['access-control-max-age'] = String(this.#config.max_age)
    return answer
  }

  /** Credentials only for origins that were written out: the Fetch standard forbids them with `*`. */
  #allow(origin: string, answer: OutgoingHttpHeaders): boolean {
    if (this.#anyOrigin) {
      answer['access-control-allow-origin'] = '*'
      return true
    }
    if (!matchesAny(this.#origins, origin.toLowerCase())) return false
    answer['access-control-allow-origin'] = origin
    answer['access-control-allow-credentials'] = 'true'
    return true
  }
}

/** Returns whether a request is the CORS preflight of a browser. */
export function isPreflight(method: string | undefined, headers: IncomingHttpHeaders): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}
