import {
  Metadata,
  status,
  type MethodDefinition,
  type Server,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js'
import type { Authenticator } from '../../component/authenticator.ts'
import type { Refused, Retry } from '../../component/outcome.ts'
import { Deadlines } from '../../listen/deadlines.ts'
import { createIntake, type IntakeFailure, type ReceivedMessage } from '../../listen/grpc-intake.ts'
import { createGrpcServer } from '../../listen/grpc-server.ts'
import type { Listener } from '../../listen/listener.ts'
import { ServerTls } from '../../listen/tls.ts'
import { exportLogsResponse } from '../../otlp/response.ts'
import { encodeStatus, statusOf } from '../../otlp/status.ts'
import type { GrpcConfig } from './config.ts'
import { GrpcAuthentication } from './grpc-authentication.ts'
import { BUDGET_FULL, corrupt, tooLarge, unsupportedEncoding } from './refusals.ts'
import { createListener, type TransportSettings } from './transport.ts'

/** ms for a whole message to arrive; OTLP's own clients give up after 10 s. */
const RECEIVE_TIMEOUT_MS = 60_000

const WHERE = 'protocols.grpc'
const LOGS_SERVICE = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const OTHER_SERVICES = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
}

type Handler = (call: ServerUnaryCall<ReceivedMessage, Uint8Array>, callback: sendUnaryData<Uint8Array>) => void

/** OTLP/gRPC. */
export class GrpcTransport {
  readonly #settings: TransportSettings<GrpcConfig>
  readonly #tls: ServerTls | undefined
  readonly #deadlines = new Deadlines(RECEIVE_TIMEOUT_MS)
  #authentication: GrpcAuthentication | undefined
  #grpc: Server | undefined
  #listener: Listener | undefined

  constructor(settings: TransportSettings<GrpcConfig>) {
    this.#settings = settings
    const { config, logger } = settings
    this.#tls = config.tls ? new ServerTls(config.tls, `${WHERE}.tls`, logger) : undefined
  }

  get listener(): Listener | undefined {
    return this.#listener
  }

  /** @throws ComponentError */
  async start(authenticator: Authenticator | undefined): Promise<void> {
    const { config, limitBytes, budget } = this.#settings
    if (authenticator !== undefined)
      this.#authentication = new GrpcAuthentication(authenticator, (outcome) => this.#turnAway(outcome))
    const intake = createIntake({
      budget,
      limitBytes,
      deadlines: this.#deadlines,
      refuse: (failure, encoding) => this.#refuse(failure, encoding),
    })
    const server = config.keepalive.server_parameters
    const { grpc, sockets } = createGrpcServer({
      tls: await this.#tls?.load(),
      maxConcurrentStreams: config.maxConcurrentStreams,
      maxConnectionIdleMs: server.max_connection_idle,
      maxConnectionAgeMs: server.max_connection_age,
      maxConnectionAgeGraceMs: server.max_connection_age_grace,
      keepaliveTimeMs: server.time,
      keepaliveTimeoutMs: server.timeout,
      interceptor: this.#authentication?.before(intake) ?? intake,
    })
    this.#grpc = grpc
    grpc.register(LOGS_SERVICE, this.#export, serialize, deserialize, 'unary')
    for (const [signal, path] of Object.entries(OTHER_SERVICES)) {
      grpc.register(path, this.#refuseSignal(signal), serialize, deserialize, 'unary')
    }
    this.#listener = createListener(sockets, this.#settings, WHERE)
    await this.#listener.open()
    if ('setSecureContext' in sockets) this.#tls?.watch(sockets as Parameters<ServerTls['watch']>[0])
    this.#deadlines.start()
  }

  /** Tells clients to go elsewhere (GOAWAY: HTTP/2 refuses further calls itself), lets calls finish until the abort. */
  async shutdown(signal: AbortSignal): Promise<void> {
    const sessionsClosed = new Promise<void>((resolve) => {
      if (this.#grpc === undefined) resolve()
      else this.#grpc.tryShutdown(() => resolve())
    })
    await this.#listener?.close(signal)
    await sessionsClosed
    await this.#tls?.close()
    this.#deadlines.close()
  }

  readonly #export: Handler = (call, callback) => {
    const metadata = this.#settings.config.include_metadata ? metadataOf(call.metadata) : undefined
    const identity = this.#authentication?.identityOf(call.metadata)
    this.#settings.forward.consume(call.request.bytes, metadata, identity, (outcome) => {
      if (outcome.kind === 'accepted') callback(null, exportLogsResponse(outcome, 'protobuf'))
      else callback(statusObject(outcome))
    })
    call.request.release()
  }

  #refuseSignal(signal: string): Handler {
    return (_, callback) => {
      const refused = this.#settings.notLogs.refuse(signal)
      this.#settings.forward.refused(refused)
      callback(statusObject(refused))
    }
  }

  #refuse(failure: IntakeFailure, encoding: string): StatusObject {
    if (failure === 'timeout') {
      const details = `the message did not arrive within ${RECEIVE_TIMEOUT_MS} ms`
      return { code: status.DEADLINE_EXCEEDED, details, metadata: new Metadata() }
    }
    return this.#turnAway(this.#outcomeOf(failure, encoding))
  }

  #turnAway(outcome: Retry | Refused): StatusObject {
    this.#settings.forward.refused(outcome)
    return statusObject(outcome)
  }

  #outcomeOf(failure: Exclude<IntakeFailure, 'timeout'>, encoding: string): Retry | Refused {
    switch (failure) {
      case 'budget_full':
        return BUDGET_FULL
      case 'too_large':
        return tooLarge(this.#settings.limitBytes, `${WHERE}.max_recv_msg_size_mib`)
      case 'corrupt':
        return corrupt(encoding)
      case 'unsupported_encoding':
        return unsupportedEncoding(encoding, ['identity', 'gzip', 'deflate'])
    }
  }
}

const serialize: MethodDefinition<unknown, Uint8Array>['responseSerialize'] = (bytes) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
/** Bytes as they came; the intake makes a ReceivedMessage of them. */
const deserialize = (bytes: Buffer): ReceivedMessage => bytes as unknown as ReceivedMessage

/** The details of OTLP's statuses travel as a google.rpc.Status in this trailer. */
function statusObject(outcome: Retry | Refused): StatusObject {
  const answer = statusOf(outcome)
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(answer, 'protobuf')))
  // grpc-js escapes the text with encodeURI, which throws on lone surrogates.
  return { code: answer.code, details: answer.message.toWellFormed(), metadata }
}

function metadataOf(metadata: Metadata): ReadonlyMap<string, readonly string[]> {
  const names = Object.keys(metadata.getMap())
  return new Map(names.map((name) => [name, metadata.get(name).map(metadataText)]))
}

/** Names that end in `-bin` have bytes; they are handed on as gRPC puts them on the wire. */
function metadataText(value: string | Buffer): string {
  return typeof value === 'string' ? value : value.toString('base64')
}
