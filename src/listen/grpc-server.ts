import type { Http2Server, Settings } from 'node:http2'
import type { Socket } from 'node:net'
import { Server, ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js'
import { STREAM_WINDOW_BYTES, widenConnection } from './http-server.ts'
import { timerMs } from './timer.ts'

export interface GrpcServerOptions {
  readonly maxConcurrentStreams: number
  /** ms; undefined leaves it to grpc-js, which has no limit then. */
  readonly maxConnectionIdleMs: number | undefined
  readonly maxConnectionAgeMs: number | undefined
  readonly maxConnectionAgeGraceMs: number | undefined
  readonly keepaliveTimeMs: number
  readonly keepaliveTimeoutMs: number
  readonly interceptor: ServerInterceptor
}

/**
 * MB a session of HTTP/2 may hold in headers and frames. grpc-js switches the limit off unless it is told. The calls at a
 * time that are the default, each with the 64 KiB of headers Node allows, need 16.
 */
const MAX_SESSION_MEMORY_MB = 32

/** What grpc-js 1.14 has and does not show: its windows can be set for a client, and not for a server. */
interface HiddenParts {
  readonly commonServerOptions: { settings?: Settings }
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>
}

/** grpc-js without sockets of its own: they are bound, counted and closed by a Listener like any other, and put in. */
export function createGrpcServer(options: GrpcServerOptions): { grpc: Server; inject: (socket: Socket) => void } {
  const grpc = new Server({
    interceptors: [options.interceptor],
    'grpc.enable_channelz': 0,
    'grpc-node.max_session_memory': MAX_SESSION_MEMORY_MB,
    'grpc.max_concurrent_streams': options.maxConcurrentStreams,
    'grpc.keepalive_time_ms': timerMs(options.keepaliveTimeMs),
    'grpc.keepalive_timeout_ms': timerMs(options.keepaliveTimeoutMs),
    ...option('grpc.max_connection_idle_ms', options.maxConnectionIdleMs),
    ...option('grpc.max_connection_age_ms', options.maxConnectionAgeMs),
    ...option('grpc.max_connection_age_grace_ms', options.maxConnectionAgeGraceMs),
  })
  const hidden = grpc as unknown as HiddenParts
  hidden.commonServerOptions.settings = {
    ...hidden.commonServerOptions.settings,
    initialWindowSize: STREAM_WINDOW_BYTES,
  }
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure())
  for (const http2 of hidden.http2Servers.keys()) http2.on('session', widenConnection)
  return { grpc, inject: (socket) => injector.injectConnection(socket) }
}

/** 0 is no limit, as in grpc-go. */
function option(name: string, ms: number | undefined): Record<string, number> {
  return ms === undefined || ms === 0 ? {} : { [name]: timerMs(ms) }
}
