import * as z from 'zod'
import { acceptedWithoutEffect, duration, extension, notYet, size } from '../../config/schema/fields.ts'
import { corsSchema } from '../../listen/http/cors.ts'
import { parseEndpoint, TRANSPORTS } from '../../listen/socket/endpoint.ts'
import { MAX_CONCURRENT_STREAMS } from '../../listen/http/http-server.ts'
import { type ServerTlsConfig, serverTlsSchema } from '../../listen/tls/tls-config.ts'
import { tenantsSchema } from '../../listen/tenants.ts'

/** Request limit that OTLP 1.11 recommends, before and after decompression. */
const DEFAULT_LIMIT_MIB = 64
const MIB = 1024 * 1024

/** Bytes. Less cannot hold a Kubernetes service account token; more is never needed, and connections are charged for it. */
const MIN_HEADER_BYTES = 4_096
const MAX_HEADER_BYTES = 1_048_576

const authenticator = extension().describe(
  'Id of the extension that authenticates senders, such as bearertokenauth or basicauth.',
)
const middlewares = notYet(z.array(z.unknown()), 'remove it').describe('Extensions that requests pass through.')
const bufferSize = acceptedWithoutEffect(z.int(), 'Node sizes the buffers of its sockets itself')

const listening = {
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

function checkListening(config: Listening, context: z.core.$RefinementCtx): void {
  const issue = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
  const parsed = parseEndpoint(config.endpoint, config.transport)
  if ('problem' in parsed) issue('endpoint', parsed.problem)
  if (config.tenants === undefined) return
  if (!config.tls?.client_ca_file)
    issue('tenants', 'requires client certificates: set tls.client_ca_file, or write tenants in an authenticator')
  if (config.auth !== undefined)
    issue('tenants', 'cannot be set together with auth: write tenants in its extension, or remove auth')
}

const grpcKeepalive = z.strictObject({
  server_parameters: z
    .strictObject({
      max_connection_idle: duration().optional().describe('Close a connection that has had no call for this long.'),
      max_connection_age: duration()
        .optional()
        .describe('Close a connection at this age, plus or minus 10 %, so that clients spread over new servers.'),
      max_connection_age_grace: duration()
        .optional()
        .describe('Time for open calls to finish after `max_connection_age`.'),
      time: duration().prefault('2h').describe('Ping a client that has been silent for this long.'),
      timeout: duration().prefault('20s').describe('Close the connection if a ping gets no response in this time.'),
    })
    .prefault({})
    .describe('When connections are pinged and closed.'),
  enforcement_policy: z
    .strictObject({
      min_time: acceptedWithoutEffect(duration(), 'grpc-js does not count pings; they cost next to nothing').describe(
        'Minimum time between pings from a client.',
      ),
      permit_without_stream: acceptedWithoutEffect(z.boolean(), 'grpc-js permits pings without calls').describe(
        'Whether clients may ping without a call.',
      ),
    })
    .prefault({})
    .describe('Rules for pings from clients.'),
})

const grpc = z
  .strictObject({
    endpoint: z.string().default('localhost:4317').describe('Address to listen on.'),
    ...listening,
    max_recv_msg_size_mib: z
      .int()
      .nonnegative()
      .default(DEFAULT_LIMIT_MIB)
      .describe('Maximum message size in MiB, before and after decompression; 0 means the default.'),
    max_concurrent_streams: z
      .int()
      .nonnegative()
      .max(0xffff_ffff)
      .default(MAX_CONCURRENT_STREAMS)
      .describe(
        'Maximum concurrent calls on a connection; 0 means the default. The total has a limit too, see Limits.',
      ),
    keepalive: grpcKeepalive.prefault({}).describe('Pings and connection lifetime.'),
    dialer: acceptedWithoutEffect(
      z.strictObject({ timeout: duration().optional().describe('Maximum time to connect.') }),
      'a server does not dial',
    ).describe('How to connect.'),
    read_buffer_size: bufferSize.describe('Read buffer in bytes.'),
    write_buffer_size: bufferSize.describe('Write buffer in bytes.'),
    auth: z
      .strictObject({ authenticator })
      .optional()
      .describe('Authentication of senders; every sender is accepted if unset.'),
    middlewares,
  })
  .superRefine(checkListening)
  .transform((config) => ({
    ...config,
    limitBytes: (config.max_recv_msg_size_mib || DEFAULT_LIMIT_MIB) * MIB,
    maxConcurrentStreams: config.max_concurrent_streams || MAX_CONCURRENT_STREAMS,
  }))

/** The collector's content codings; `zlib` is its second name for deflate, and the empty string means no coding. */
const COMPRESSION_ALGORITHMS = ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed'] as const

const urlPath = (fallback: string) =>
  z.string().startsWith('/', 'has to start with "/": write a path such as /v1/logs').default(fallback)

const http = z
  .strictObject({
    endpoint: z.string().default('localhost:4318').describe('Address to listen on.'),
    ...listening,
    logs_url_path: urlPath('/v1/logs').describe('Path that accepts logs.'),
    traces_url_path: urlPath('/v1/traces').describe('Path that refuses traces with a hint to send logs.'),
    metrics_url_path: urlPath('/v1/metrics').describe('Path that refuses metrics with a hint to send logs.'),
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
        idle_timeout: duration()
          .optional()
          .describe('Close a connection idle this long between requests; 1m if unset.'),
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
  })
  .superRefine(checkListening)
  .transform((config) => ({
    ...config,
    limitBytes: config.max_request_body_size || DEFAULT_LIMIT_MIB * MIB,
    keepConnections: config.keepalive.enabled && (config.keep_alives_enabled ?? true),
    idleTimeoutMs: config.keepalive.idle_timeout ?? config.idle_timeout ?? 60_000,
    responseHeaders: Array.isArray(config.response_headers)
      ? Object.fromEntries(config.response_headers.map(({ name, value }) => [name, value]))
      : config.response_headers,
  }))

/** The keys of the collector's `otlp` receiver v0.164.0. */
export const otlpReceiverSchema = z.strictObject({
  protocols: z
    .strictObject({
      grpc: grpc.optional().describe('OTLP/gRPC; `grpc:` alone uses the defaults.'),
      http: http.optional().describe('OTLP/HTTP; `http:` alone uses the defaults.'),
    })
    .refine(
      ({ grpc, http }) => grpc !== undefined || http !== undefined,
      'names no protocol: write grpc:, http: or both',
    )
    .describe('Protocols to accept logs over; at least one.'),
})

export type OtlpReceiverConfig = z.output<typeof otlpReceiverSchema>
export type GrpcConfig = z.output<typeof grpc>
export type HttpConfig = z.output<typeof http>
