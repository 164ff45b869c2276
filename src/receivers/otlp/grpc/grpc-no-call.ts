import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { GRPC_CODES, type GrpcCode } from '../../../component/answers.ts'
import { MAX_HEADER_FIELDS } from '../../../listen/http/http-server.ts'
import { quoted } from '../../../listen/socket/last-words.ts'
import type { GrpcConfig } from '../config.ts'
import { headerTooLarge, TOO_MANY_REQUESTS, wrongPort } from '../../../intake/refusals/refusals.ts'
import type { TransportSettings } from '../../../intake/transport.ts'

/** Answers streams on the gRPC port that are not a call of a known method; grpc-js would answer them without a message. */
export class GrpcNoCall {
  readonly #settings: TransportSettings<GrpcConfig>
  readonly #where: string
  readonly #methods: ReadonlySet<string>

  constructor(settings: TransportSettings<GrpcConfig>, where: string, methods: ReadonlySet<string>) {
    this.#settings = settings
    this.#where = where
    this.#methods = methods
  }

  /** @returns true for a call of a known method; otherwise the stream has been answered */
  check(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const { ':method': method = '', ':path': path = '', 'content-type': type = '' } = headers
    const { refusals } = this.#settings
    const address = addressOf(stream)
    if (!type.startsWith('application/grpc')) {
      const isOtlpHttp = type.startsWith('application/x-protobuf') || type.startsWith('application/json')
      const message = isOtlpHttp
        ? wrongPort('OTLP/HTTP', 'gRPC', 'http', this.#settings.otherPort())
        : `the content type ${quoted(type)} is not gRPC: send application/grpc`
      refusals.request(isOtlpHttp ? 'wrong_protocol' : 'unsupported_media_type', message, address, 0)
      answerHttp(stream, 415, message)
      return false
    }
    if (method !== 'POST') {
      const message = `${quoted(method)} is not a gRPC method: send POST`
      refusals.request('method_not_allowed', message, address, 0)
      answerHttp(stream, 405, message)
      return false
    }
    if (!this.#methods.has(path)) {
      const message = `there is no method ${quoted(path)}: send logs to opentelemetry.proto.collector.logs.v1.LogsService/Export`
      refusals.request('not_found', message, address, 0)
      answerGrpc(stream, GRPC_CODES.UNIMPLEMENTED, message)
      return false
    }
    return true
  }

  tooMany(stream: ServerHttp2Stream): void {
    this.#settings.refusals.request('too_many_requests', TOO_MANY_REQUESTS, addressOf(stream), 0)
  }

  headerTooLarge(stream: ServerHttp2Stream): void {
    const { config, refusals } = this.#settings
    const message = headerTooLarge(config.max_header_bytes, MAX_HEADER_FIELDS, `${this.#where}.max_header_bytes`)
    refusals.request('header_too_large', message, addressOf(stream), 0)
    answerGrpc(stream, GRPC_CODES.RESOURCE_EXHAUSTED, message)
  }
}

function addressOf(stream: ServerHttp2Stream): string | undefined {
  return stream.session?.socket.remoteAddress
}

/** Answers senders that do not speak gRPC. The rest of their request is not read. */
function answerHttp(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed) return
  stream.respond({ ':status': status, 'content-type': 'text/plain; charset=utf-8' })
  stream.end(`${message}\n`)
}

function answerGrpc(stream: ServerHttp2Stream, code: GrpcCode, message: string): void {
  if (stream.destroyed) return
  const status = { 'grpc-status': code, 'grpc-message': encodeURI(message.toWellFormed()) }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto', ...status }, { endStream: true })
}
