import type { Http2Server, Settings } from 'node:http2'
import type { Socket } from 'node:net'
import { Server, ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js'
import { http2Settings, widenConnection } from '../http/http-server.ts'
import { guardStreams, type StreamGuardOptions } from '../http/stream-guard.ts'
import { timerDelay } from '../../telemetry/timer-delay.ts'

export interface GrpcServerOptions {
  readonly maxConcurrentStreams: number
  readonly maxHeaderBytes: number
  /** ms; undefined means no limit, the default of grpc-js. */
  readonly maxConnectionIdleMs: number | undefined
  readonly maxConnectionAgeMs: number | undefined
  readonly maxConnectionAgeGraceMs: number | undefined
  readonly keepaliveTimeMs: number
  readonly keepaliveTimeoutMs: number
  readonly interceptor: ServerInterceptor
  readonly streams: Omit<StreamGuardOptions, 'maxHeaderBytes'>
}

/**
 * MB an HTTP/2 session may hold in headers and frames. grpc-js switches the limit off unless it is set. The default number
 * of concurrent calls, each with the 32 KiB of headers that are read, needs 8.
 */
const MAX_SESSION_MEMORY_MB = 16

/** Private parts of grpc-js 1.14: its API sets flow-control windows for clients, but not for servers. */
interface HiddenParts {
  readonly commonServerOptions: { settings?: Settings }
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>
}

/** grpc-js without its own sockets: a Listener binds, counts and closes them like any other, then they are injected. */
export function createGrpcServer(options: GrpcServerOptions): {
  readonly grpc: Server
  readonly inject: (socket: Socket) => void
  readonly stop: () => void
} {
  const { maxHeaderBytes, maxConcurrentStreams } = options
  const grpc = new Server({
    interceptors: [options.interceptor],
    'grpc.enable_channelz': 0,
    'grpc-node.max_session_memory': MAX_SESSION_MEMORY_MB,
    'grpc.max_concurrent_streams': maxConcurrentStreams,
    'grpc.keepalive_time_ms': timerDelay(options.keepaliveTimeMs),
    'grpc.keepalive_timeout_ms': timerDelay(options.keepaliveTimeoutMs),
    ...option('grpc.max_connection_idle_ms', options.maxConnectionIdleMs),
    ...option('grpc.max_connection_age_ms', options.maxConnectionAgeMs),
    ...option('grpc.max_connection_age_grace_ms', options.maxConnectionAgeGraceMs),
  })
  const hidden = grpc as unknown as HiddenParts
  hidden.commonServerOptions.settings = {
    ...hidden.commonServerOptions.settings,
    ...http2Settings(maxHeaderBytes, maxConcurrentStreams),
  }
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure())
  const stops = [...hidden.http2Servers.keys()].map((http2) => {
    http2.on('session', widenConnection)
    return guardStreams(http2, { maxHeaderBytes, ...options.streams })
  })
  return {
    grpc,
    inject: (socket) => injector.injectConnection(socket),
    stop() {
      for (const stop of stops) stop()
    },
  }
}

/** 0 is no limit, as in grpc-go. */
function option(name: string, ms: number | undefined): Record<string, number> {
  return ms === undefined || ms === 0 ? {} : { [name]: timerDelay(ms) }
}
