import * as z from 'zod'
import { acceptedWithoutEffect, duration } from '../../config/schema/fields.ts'
import {
  authenticator,
  checkListening,
  DEFAULT_LIMIT_MIB,
  httpFields,
  listening,
  middlewares,
  MIB,
  withDerived,
} from '../../intake/config.ts'
import { MAX_CONCURRENT_STREAMS } from '../../listen/http/http-server.ts'

const bufferSize = acceptedWithoutEffect(z.int(), 'Node sizes the buffers of its sockets itself')

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

const urlPath = (fallback: string) =>
  z.string().startsWith('/', 'has to start with "/": write a path such as /v1/logs').default(fallback)

const http = z
  .strictObject({
    endpoint: z.string().default('localhost:4318').describe('Address to listen on.'),
    ...listening,
    logs_url_path: urlPath('/v1/logs').describe('Path that accepts logs.'),
    traces_url_path: urlPath('/v1/traces').describe('Path that refuses traces with a hint to send logs.'),
    metrics_url_path: urlPath('/v1/metrics').describe('Path that refuses metrics with a hint to send logs.'),
    ...httpFields,
  })
  .superRefine(checkListening)
  .transform(withDerived)

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
