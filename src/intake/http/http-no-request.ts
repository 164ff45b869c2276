import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { GRPC_CODES } from '../../component/answers.ts'
import { MAX_HEADER_FIELDS, type NoRequest } from '../../listen/http/http-server.ts'
import { http1Answer, HTTP2_CODES, http2Goaway, lastWords } from '../../listen/socket/last-words.ts'
import { headerTooLarge, tlsOnPlainPort, wrongPort } from '../refusals/refusals.ts'
import type { HttpDoorSettings } from './http-bodies.ts'

/** Answers input on the HTTP port that is not a request, in the protocol that its sender speaks. */
export class HttpNoRequest {
  readonly #settings: HttpDoorSettings

  constructor(settings: HttpDoorSettings) {
    this.#settings = settings
  }

  answer(problem: NoRequest, socket: Socket, detail: string): void {
    const { refusals, otherPort, config, speaks } = this.#settings
    const address = socket.remoteAddress
    switch (problem) {
      case 'http2': {
        const advice = wrongPort('gRPC', speaks, 'grpc', otherPort())
        refusals.connection('wrong_protocol', advice, address)
        return lastWords(socket, http2Goaway(HTTP2_CODES.HTTP_1_1_REQUIRED, advice))
      }
      case 'tls': {
        const advice = tlsOnPlainPort('http')
        refusals.connection('wrong_protocol', advice, address)
        // TLS clients report this response as "not TLS", which is the right message.
        return lastWords(socket, http1Answer('400 Bad Request', GRPC_CODES.INVALID_ARGUMENT, advice))
      }
      case 'header_too_large': {
        const advice = this.#headerTooLarge()
        refusals.request(problem, advice, address, socket.bytesRead)
        const status = '431 Request Header Fields Too Large'
        return lastWords(socket, http1Answer(status, GRPC_CODES.RESOURCE_EXHAUSTED, advice))
      }
      case 'timeout': {
        const advice = `its request did not arrive within read_header_timeout or read_timeout (${config.read_timeout} ms): check its network, or send smaller batches`
        refusals.request(problem, advice, address, socket.bytesRead)
        return lastWords(socket, http1Answer('408 Request Timeout', GRPC_CODES.DEADLINE_EXCEEDED, advice))
      }
      case 'malformed_http': {
        const advice = `it does not speak HTTP/1.1 (${detail}): send ${speaks}`
        refusals.request(problem, advice, address, socket.bytesRead)
        return lastWords(socket, http1Answer('400 Bad Request', GRPC_CODES.INVALID_ARGUMENT, advice))
      }
    }
  }

  headerTooLarge(stream: ServerHttp2Stream): void {
    const message = this.#headerTooLarge()
    this.#settings.refusals.request('header_too_large', message, stream.session?.socket.remoteAddress, 0)
    if (stream.destroyed) return
    stream.respond({ ':status': 431, 'content-type': 'application/json' })
    stream.end(JSON.stringify({ code: GRPC_CODES.RESOURCE_EXHAUSTED, message }))
  }

  #headerTooLarge(): string {
    const { config, where } = this.#settings
    return headerTooLarge(config.max_header_bytes, MAX_HEADER_FIELDS, `${where}max_header_bytes`)
  }
}
