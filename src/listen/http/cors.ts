import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import * as z from 'zod'
import { Glob, matchesAny } from '../../component/glob.ts'

/** The collector's confighttp.CORSConfig. */
export const corsSchema = z.strictObject({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe('Origins that browsers may send from, such as `https://app.example.com`; `*` stands for any characters.'),
  allowed_headers: z
    .array(z.string())
    .default([])
    .describe('Request headers that browsers may set beside the safe ones; `*` for all.'),
  exposed_headers: z.array(z.string()).default([]).describe('Response headers that scripts may read.'),
  max_age: z.int().nonnegative().default(0).describe('Seconds a browser may keep the answer to a preflight request.'),
})

export type CorsConfig = z.output<typeof corsSchema>

/** Headers that are always allowed: Fetch standard's safelist, and what every OTLP sender sets. */
const SAFE_HEADERS = ['accept', 'accept-language', 'content-language', 'content-type']

/** Cross-origin requests, by the Fetch standard's CORS protocol. */
export class Cors {
  readonly #anyOrigin: boolean
  /** Scheme and host of an origin have no case (RFC 6454, 4). */
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

  /** Adds what an answer to `request` needs to be read by a script. */
  addHeaders(request: IncomingHttpHeaders, answer: OutgoingHttpHeaders): void {
    const origin = request.origin
    if (origin === undefined) return
    answer.vary = 'Origin'
    if (!this.#allow(origin, answer)) return
    if (this.#config.exposed_headers.length > 0) {
      answer['access-control-expose-headers'] = this.#config.exposed_headers.join(', ')
    }
  }

  /** The headers that answer a preflight request; without those that allow, where it is not allowed. */
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

/** A browser asks before it sends. */
export function isPreflight(method: string | undefined, headers: IncomingHttpHeaders): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}
