import * as z from 'zod'
import { acceptedWithoutEffect, duration, extension, notYet, size } from '../../config/schema/fields.ts'
import { corsSchema } from '../../listen/http/cors.ts'
import { parseEndpoint, TRANSPORTS } from '../../listen/socket/endpoint.ts'
import { MAX_CONCURRENT_STREAMS } from '../../listen/http/http-server.ts'
import { type ServerTlsConfig, serverTlsSchema } from '../../listen/tls/tls-config.ts'
import { tenantsSchema } from '../../listen/tenants.ts'

/** OTLP 1.11 recommends it as the limit of a request, before and after decompression. */
const DEFAULT_LIMIT_MIB = 64
const MIB = 1024 * 1024

/** Bytes. Less holds no token of a Kubernetes service account; more is for nobody, and a connection is charged for it. */
const MIN_HEADER_BYTES = 4_096
const MAX_HEADER_BYTES = 1_048_576

const authenticator = extension().describe(
  'Id of the extension that decides who may send, such as bearertokenauth or basicauth.',
)
const middlewares = notYet(z.array(z.unknown()), 'remove it').describe('Extensions that requests pass through.')
const bufferSize = acceptedWithoutEffect(z.int(), 'Node sizes the buffers of its sockets itself')

const listening = {
  transport: z.enum(TRANSPORTS).default('tcp').describe('Kind of socket: `unix` has a path as its endpoint.'),
  tls: serverTlsSchema.nullable().optional().describe('TLS; without it connections are in clear.'),
  max_connections: z
    .int()
    .positive()
    .optional()
    .describe(
      'Maximum open connections. Unset: as many as memory and open files allow, see Limits. Not a key of the collector.',
    ),
  max_header_bytes: size()
    .refine(
      (bytes) => bytes >= MIN_HEADER_BYTES && bytes <= MAX_HEADER_BYTES,
      'has to be from 4KiB to 1MiB: write 16KiB',
    )
    .prefault('16KiB')
    .describe(
      'Maximum bytes in the head of a request. Each connection is charged for them. Not a key of the collector.',
    ),
  tenants: tenantsSchema
    .optional()
    .describe(
      'Clients bound to log groups by the common name of their certificate: by name, a map with `allowed_log_groups`. Needs tls.client_ca_file; a client that is not in it may not send then. Not a key of the collector.',
    ),
  include_metadata: z
    .boolean()
    .default(false)
    .describe('Hands the headers of a request to the pipeline, for what reads metadata.'),
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
    issue('tenants', 'are told by their certificates: write tls with client_ca_file, or tenants in an authenticator')
  if (config.auth !== undefined)
    issue('tenants', 'stands beside auth, which binds senders too: write tenants in its extension, or remove auth')
}

const grpcKeepalive = z.strictObject({
  server_parameters: z
    .strictObject({
      max_connection_idle: duration().optional().describe('A connection without a call for this long is closed.'),
      max_connection_age: duration()
        .optional()
        .describe('A connection this old is closed, give or take 10 %: clients spread over new servers.'),
      max_connection_age_grace: duration().optional().describe('How long its calls may go on after that.'),
      time: duration().prefault('2h').describe('A client that is silent for this long is pinged.'),
      timeout: duration().prefault('20s').describe('The connection is closed where no answer comes in this time.'),
    })
    .prefault({})
    .describe('When connections are pinged and closed.'),
  enforcement_policy: z
    .strictObject({
      min_time: acceptedWithoutEffect(duration(), 'grpc-js does not count pings; they cost next to nothing').describe(
        'Least time between pings of a client.',
      ),
      permit_without_stream: acceptedWithoutEffect(z.boolean(), 'grpc-js permits pings without calls').describe(
        'Whether clients may ping without a call.',
      ),
    })
    .prefault({})
    .describe('What clients may do.'),
})

const grpc = z
  .strictObject({
    endpoint: z.string().default('localhost:4317').describe('Address to listen on.'),
    ...listening,
    max_recv_msg_size_mib: z
      .int()
      .nonnegative()
      .default(DEFAULT_LIMIT_MIB)
      .describe('Largest message in MiB, also after decompression; 0 is the default.'),
    max_concurrent_streams: z
      .int()
      .nonnegative()
      .max(0xffff_ffff)
      .default(MAX_CONCURRENT_STREAMS)
      .describe('Maximum calls at a time on a connection; 0 is the default. All of them together: see Limits.'),
    keepalive: grpcKeepalive.prefault({}).describe('Pings, and how long connections live.'),
    dialer: acceptedWithoutEffect(
      z.strictObject({ timeout: duration().optional().describe('Time to connect.') }),
      'a server does not dial',
    ).describe('How to connect.'),
    read_buffer_size: bufferSize.describe('Bytes of buffer for reading.'),
    write_buffer_size: bufferSize.describe('Bytes of buffer for writing.'),
    auth: z.strictObject({ authenticator }).optional().describe('Who may send; everybody if it is not set.'),
    middlewares,
  })
  .superRefine(checkListening)
  .transform((config) => ({
    ...config,
    limitBytes: (config.max_recv_msg_size_mib || DEFAULT_LIMIT_MIB) * MIB,
    maxConcurrentStreams: config.max_concurrent_streams || MAX_CONCURRENT_STREAMS,
  }))

/** The collector's content codings; `zlib` is its other name for deflate, and the empty one is no coding. */
const COMPRESSION_ALGORITHMS = ['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'lz4', 'x-snappy-framed'] as const

const urlPath = (fallback: string) =>
  z.string().startsWith('/', 'has to start with "/": write a path such as /v1/logs').default(fallback)

const http = z
  .strictObject({
    endpoint: z.string().default('localhost:4318').describe('Address to listen on.'),
    ...listening,
    logs_url_path: urlPath('/v1/logs').describe('Path that takes logs.'),
    traces_url_path: urlPath('/v1/traces').describe('Path on which senders of traces are told that this takes logs.'),
    metrics_url_path: urlPath('/v1/metrics').describe('The same for metrics.'),
    max_request_body_size: size()
      .prefault(`${DEFAULT_LIMIT_MIB}MiB`)
      .describe('Largest body, also after decompression; 0 is the default. A larger one is answered with 413.'),
    compression_algorithms: z
      .array(z.enum(COMPRESSION_ALGORITHMS))
      .default(['', 'gzip', 'zstd', 'zlib', 'snappy', 'deflate', 'x-snappy-framed'])
      .describe('Encodings of bodies that are taken; the empty one is none. lz4 does not exist here.'),
    cors: corsSchema.optional().describe('What browsers may send; nothing if it is not set.'),
    response_headers: z
      .union([
        z.record(z.string(), z.string()),
        z.array(z.strictObject({ name: z.string().describe('Its name.'), value: z.string().describe('Its value.') })),
      ])
      .default({})
      .describe('Headers added to each answer, as a map or as a list of name and value.'),
    read_timeout: duration().prefault('60s').describe('Time for a whole request to arrive; 0 is no limit.'),
    read_header_timeout: duration().prefault('60s').describe('Time for the headers of a request; 0 is no limit.'),
    write_timeout: duration()
      .prefault('30s')
      .describe('A connection on which nothing moves for this long while it is answered is closed; 0 is never.'),
    keepalive: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Off: a connection is closed after one request.'),
        idle_timeout: duration().optional().describe('How long a connection may wait for its next request; 1m.'),
      })
      .prefault({})
      .describe('Whether and how long connections are kept.'),
    idle_timeout: duration().optional().describe('Deprecated: write keepalive.idle_timeout.'),
    keep_alives_enabled: z.boolean().optional().describe('Deprecated: write keepalive.enabled.'),
    auth: z
      .strictObject({
        authenticator,
        request_params: notYet(z.array(z.string()), 'remove it, and have the credentials sent in a header').describe(
          'Query parameters that the authenticator sees.',
        ),
      })
      .optional()
      .describe('Who may send; everybody if it is not set.'),
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
      grpc: grpc.optional().describe('OTLP/gRPC; `grpc:` alone takes the defaults.'),
      http: http.optional().describe('OTLP/HTTP; `http:` alone takes the defaults.'),
    })
    .refine(
      ({ grpc, http }) => grpc !== undefined || http !== undefined,
      'names no protocol: write grpc:, http: or both',
    )
    .describe('The protocols to take logs by; at least one.'),
})

export type OtlpReceiverConfig = z.output<typeof otlpReceiverSchema>
export type GrpcConfig = z.output<typeof grpc>
export type HttpConfig = z.output<typeof http>
