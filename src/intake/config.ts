// Options that every receiver on a socket has, with the collector's names (confignet, configtls, confighttp).

import * as z from 'zod'
import { duration, extension, notYet, size } from '../config/schema/fields.ts'
import { corsSchema } from '../listen/http/cors.ts'
import { parseEndpoint, TRANSPORTS } from '../listen/socket/endpoint.ts'
import { type ServerTlsConfig, serverTlsSchema } from '../listen/tls/tls-config.ts'
import { tenantsSchema } from '../listen/tenants.ts'

/** Request limit that OTLP 1.11 recommends, before and after decompression. */
export const DEFAULT_LIMIT_MIB = 64
export const MIB = 1024 * 1024

export const authenticator = extension().describe(
  'Id of the extension that authenticates senders, such as bearertokenauth or basicauth.',
)
export const middlewares = notYet(z.array(z.unknown()), 'remove it').describe('Extensions that requests pass through.')

/** Bytes. Less cannot hold a Kubernetes service account token; more is never needed, and connections are charged for it. */
const MIN_HEADER_BYTES = 4_096
const MAX_HEADER_BYTES = 1_048_576

export const listening = {
  transport: z.enum(TRANSPORTS).default('tcp').describe('Kind of socket: `unix` has a path as its endpoint.'),
  tls: serverTlsSchema.nullable().optional().describe('TLS; connections are unencrypted without it.'),
  max_connections: z
    .int()
    .positive()
    .optional()
    .describe(
      'Maximum open connections. Unset: as many as memory and open files allow, see Limits. Not in the collector.',
    ),
  max_header_bytes: size()
    .refine(
      (bytes) => bytes >= MIN_HEADER_BYTES && bytes <= MAX_HEADER_BYTES,
      'has to be from 4KiB to 1MiB: write 16KiB',
    )
    .prefault('16KiB')
    .describe('Maximum bytes in the head of a request; each connection is charged for them. Not in the collector.'),
  tenants: tenantsSchema
    .optional()
    .describe(
      'Allowed log groups by common name of the client certificate; other clients are refused. Needs tls.client_ca_file. Not in the collector.',
    ),
  include_metadata: z
    .boolean()
    .default(false)
    .describe('Passes request headers to the pipeline, for components that read metadata.'),
}

interface Listening {
  readonly endpoint: string
  readonly transport: (typeof TRANSPORTS)[number]
  readonly tls?: ServerTlsConfig | null | undefined
  readonly tenants?: object | undefined
  readonly auth?: object | undefined
}

export function checkListening(config: Listening, context: z.core.$RefinementCtx): void {
  const issue = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
  const parsed = parseEndpoint(config.endpoint, config.transport)
  if ('problem' in parsed) issue('endpoint', parsed.problem)
  if (config.tenants === undefined) return
  if (!config.tls?.client_ca_file)
    issue('tenants', 'requires client certificates: set tls.client_ca_file, or write tenants in an authenticator')
  if (config.auth !== undefined)
    issue('tenants', 'cannot be set together with auth: write tenants in its extension, or remove auth')
}

/** The collector's content codings; `zlib` is its second name for deflate, and the empty string means no coding. */
const COMPRESSION_ALGORITHMS = ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed'] as const

/** Options of an HTTP server, beside those of its socket. */
export const httpFields = {
  max_request_body_size: size()
    .prefault(`${DEFAULT_LIMIT_MIB}MiB`)
    .describe('Maximum body size, before and after decompression; 0 means the default. A larger body gets 413.'),
  compression_algorithms: z
    .array(z.enum(COMPRESSION_ALGORITHMS))
    .default(['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'x-snappy-framed'])
    .describe('Accepted body encodings; the empty string means none. lz4 is not supported.'),
  cors: corsSchema.optional().describe('Cross-origin requests from browsers; refused if unset.'),
  response_headers: z
    .union([
      z.record(z.string(), z.string()),
      z.array(
        z.strictObject({ name: z.string().describe('Header name.'), value: z.string().describe('Header value.') }),
      ),
    ])
    .default({})
    .describe('Headers added to each response, as a map or as a list of name and value.'),
  read_timeout: duration().prefault('60s').describe('Maximum time to receive a whole request; 0 disables the limit.'),
  read_header_timeout: duration()
    .prefault('60s')
    .describe('Maximum time to receive the headers of a request; 0 disables the limit.'),
  write_timeout: duration()
    .prefault('30s')
    .describe('Close a connection that stalls this long while a response is written; 0 disables the limit.'),
  keepalive: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Keep a connection open for further requests.'),
      idle_timeout: duration().optional().describe('Close a connection idle this long between requests; 1m if unset.'),
    })
    .prefault({})
    .describe('Reuse of connections.'),
  idle_timeout: duration().optional().describe('Deprecated: write keepalive.idle_timeout.'),
  keep_alives_enabled: z.boolean().optional().describe('Deprecated: write keepalive.enabled.'),
  auth: z
    .strictObject({
      authenticator,
      request_params: notYet(z.array(z.string()), 'remove it, and send the credentials in a header').describe(
        'Query parameters passed to the authenticator.',
      ),
    })
    .optional()
    .describe('Authentication of senders; every sender is accepted if unset.'),
  middlewares,
}

const httpShape = z.strictObject({ endpoint: z.string(), ...listening, ...httpFields })

/** Adds what follows from several options. */
export function withDerived<Config extends z.output<typeof httpShape>>(config: Config) {
  return {
    ...config,
    limitBytes: config.max_request_body_size || DEFAULT_LIMIT_MIB * MIB,
    keepConnections: config.keepalive.enabled && (config.keep_alives_enabled ?? true),
    idleTimeoutMs: config.keepalive.idle_timeout ?? config.idle_timeout ?? 60_000,
    responseHeaders: Array.isArray(config.response_headers)
      ? Object.fromEntries(config.response_headers.map(({ name, value }) => [name, value]))
      : config.response_headers,
  }
}

/** The options of a receiver's HTTP server. */
export type HttpConfig = ReturnType<typeof withDerived<z.output<typeof httpShape>>>

/** The options of any listener. */
export interface ListenerConfig extends Listening {
  readonly max_connections?: number | undefined
  readonly max_header_bytes: number
  readonly auth?: { readonly authenticator: string } | undefined
  readonly tenants?: z.output<typeof tenantsSchema> | undefined
  /** HTTP/2: streams on a connection. */
  readonly maxConcurrentStreams?: number
}
