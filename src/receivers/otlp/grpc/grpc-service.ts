import {
  Metadata,
  status,
  type MethodDefinition,
  type Server,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js'
import type { Socket } from 'node:net'
import type { Authenticator } from '../../../component/authenticator.ts'
import type { Refused, Retry } from '../../../accounting/outcome.ts'
import type { Deadlines } from '../../../listen/deadlines.ts'
import {
  createIntake,
  GRPC_ACCEPT_ENCODING,
  type IntakeFailure,
  type ReceivedMessage,
  type RefusedCall,
} from '../../../listen/grpc/grpc-intake.ts'
import { createGrpcServer } from '../../../listen/grpc/grpc-server.ts'
import { exportLogsResponse } from '../../../otlp/response.ts'
import { encodeStatus, statusOf } from '../../../otlp/status.ts'
import type { GrpcConfig } from '../config.ts'
import { GrpcAuthentication } from './grpc-authentication.ts'
import { GrpcNoCall } from './grpc-no-call.ts'
import { notLogs, type OtherSignal } from '../not-logs.ts'
import {
  BUDGET_FULL,
  corrupt,
  malformedCall,
  tooLarge,
  unsupportedEncoding,
} from '../../../intake/refusals/refusals.ts'
import type { TransportSettings } from '../../../intake/transport.ts'

const WHERE = 'protocols.grpc'
const LOGS_SERVICE = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
const OTHER_SERVICES: Readonly<Record<OtherSignal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  profiles: '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
}

type Handler = (call: ServerUnaryCall<ReceivedMessage, Uint8Array>, callback: sendUnaryData<Uint8Array>) => void

/** The gRPC service on the connections of a GrpcTransport. Loads grpc-js. */
export class GrpcService {
  readonly #settings: TransportSettings<GrpcConfig>
  readonly #authentication: GrpcAuthentication | undefined
  readonly #deadlines: Deadlines
  readonly #grpc: Server
  readonly inject: (socket: Socket) => void
  readonly #stop: () => void
  readonly #served: (peer: string) => void

  /** @param served called with a client's address after each whole message */
  constructor(
    settings: TransportSettings<GrpcConfig>,
    authenticator: Authenticator | undefined,
    deadlines: Deadlines,
    served: (peer: string) => void,
  ) {
    this.#settings = settings
    this.#deadlines = deadlines
    if (authenticator !== undefined)
      this.#authentication = new GrpcAuthentication(authenticator, (outcome, peer) =>
        this.#countRefusal(outcome, peer, 0),
      )
    const { config, limitBytes, budget } = settings
    const intake = createIntake({
      budget,
      limitBytes,
      deadlines,
      refuse: (failure, call) => this.#refuse(failure, call),
      refuseEarly: ({ encoding, peer, bytes }, compressed) => {
        const full = settings.forward.earlyRefusal(compressed ? encoding : 'identity', bytes)
        return full === undefined ? undefined : this.#countRefusal(full, peer, bytes)
      },
      learnSize: (encoding, bytes, size) => settings.forward.learnSize(encoding, bytes, size),
    })
    const noCall = new GrpcNoCall(settings, WHERE, new Set([LOGS_SERVICE, ...Object.values(OTHER_SERVICES)]))
    const server = config.keepalive.server_parameters
    const { grpc, inject, stop } = createGrpcServer({
      maxConcurrentStreams: config.maxConcurrentStreams,
      maxHeaderBytes: config.max_header_bytes,
      streams: {
        refused: (stream) => noCall.tooMany(stream),
        headerTooLarge: (stream) => noCall.headerTooLarge(stream),
        check: (stream, headers) => noCall.check(stream, headers),
      },
      maxConnectionIdleMs: server.max_connection_idle,
      maxConnectionAgeMs: server.max_connection_age,
      maxConnectionAgeGraceMs: server.max_connection_age_grace,
      keepaliveTimeMs: server.time,
      keepaliveTimeoutMs: server.timeout,
      interceptor: this.#authentication?.before(intake) ?? intake,
    })
    this.#grpc = grpc
    this.inject = inject
    this.#stop = stop
    this.#served = served
    grpc.register(LOGS_SERVICE, this.#export, serialize, deserialize, 'unary')
    for (const [signal, path] of Object.entries(OTHER_SERVICES)) {
      grpc.register(path, this.#refuseSignal(signal as OtherSignal), serialize, deserialize, 'unary')
    }
  }

  /** Sends GOAWAY to clients (HTTP/2 then refuses further calls itself) and lets open calls finish. */
  shutdown(): Promise<void> {
    return new Promise((resolve) => {
      this.#grpc.tryShutdown(() => {
        this.#stop()
        resolve()
      })
    })
  }

  readonly #export: Handler = (call, callback) => {
    const { bytes } = call.request
    if (bytes === undefined) {
      // The call has ended, and its sender will send the same records again.
      call.request.release()
      return callback({
        code: status.DEADLINE_EXCEEDED,
        details: 'the deadline passed before the message was accepted',
      })
    }
    this.#served(call.getPeer())
    const metadata = this.#settings.config.include_metadata ? metadataOf(call.metadata) : undefined
    const identity = this.#authentication?.identityOf(call.metadata)
    this.#settings.forward.consume({ bytes, receivedAtMs: Date.now(), metadata, identity }, (outcome) => {
      if (outcome.kind === 'accepted') return callback(null, exportLogsResponse(outcome, 'protobuf'))
      this.#settings.refusals.byPipeline(outcome, addressOf(call.getPeer()))
      callback(statusObject(outcome))
    })
    call.request.release()
  }

  #refuseSignal(signal: OtherSignal): Handler {
    return (call, callback) => {
      const refused = notLogs(signal)
      const bytes = call.request.bytes?.length ?? 0
      this.#settings.refusals.outcome(refused, addressOf(call.getPeer()), bytes, signal)
      call.request.release()
      callback(statusObject(refused))
    }
  }

  #refuse(failure: IntakeFailure, { peer, bytes, encoding }: RefusedCall): StatusObject {
    if (failure === 'timeout') {
      const details = `the message did not arrive within ${this.#deadlines.limitMs} ms`
      this.#settings.refusals.request('timeout', details, addressOf(peer), bytes)
      return { code: status.DEADLINE_EXCEEDED, details, metadata: new Metadata() }
    }
    const answer = this.#countRefusal(this.#outcomeOf(failure, encoding), peer, bytes)
    // gRPC's own status for a second message in a call that takes one.
    if (failure === 'second_message') return { ...answer, code: status.UNIMPLEMENTED }
    if (failure === 'unsupported_encoding') answer.metadata?.set('grpc-accept-encoding', GRPC_ACCEPT_ENCODING)
    return answer
  }

  #countRefusal(outcome: Retry | Refused, peer: string, bytes: number): StatusObject {
    this.#settings.refusals.outcome(outcome, addressOf(peer), bytes)
    return statusObject(outcome)
  }

  #outcomeOf(failure: Exclude<IntakeFailure, 'timeout'>, encoding: string): Retry | Refused {
    switch (failure) {
      case 'incomplete':
      case 'bad_flag':
      case 'second_message':
        return malformedCall(failure)
      case 'budget_full':
        return BUDGET_FULL
      case 'too_large':
        return tooLarge(this.#settings.limitBytes, `${WHERE}.max_recv_msg_size_mib`)
      case 'corrupt':
        return corrupt(encoding)
      case 'unsupported_encoding':
        return unsupportedEncoding(encoding, GRPC_ACCEPT_ENCODING.split(','))
    }
  }
}

const serialize: MethodDefinition<unknown, Uint8Array>['responseSerialize'] = (bytes) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
/** Passes the bytes through; the intake turns them into a ReceivedMessage. */
const deserialize = (bytes: Buffer): ReceivedMessage => bytes as unknown as ReceivedMessage

/** The details of OTLP's statuses travel as a google.rpc.Status in this trailer. */
function statusObject(outcome: Retry | Refused): StatusObject {
  const answer = statusOf(outcome)
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', Buffer.from(encodeStatus(answer, 'protobuf')))
  // grpc-js escapes the message with encodeURI, which throws on unpaired surrogates.
  return { code: answer.code, details: answer.message.toWellFormed(), metadata }
}

function metadataOf(metadata: Metadata): ReadonlyMap<string, readonly string[]> {
  const names = Object.keys(metadata.getMap())
  return new Map(names.map((name) => [name, metadata.get(name).map(metadataText)]))
}

/** Values of `-bin` names are bytes; they are passed on in base64, as gRPC sends them. */
function metadataText(value: string | Buffer): string {
  return typeof value === 'string' ? value : value.toString('base64')
}

/** `address:port` without the port. */
function addressOf(peer: string): string {
  return peer.slice(0, Math.max(0, peer.lastIndexOf(':')))
}
