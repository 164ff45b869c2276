import { TLSSocket, type PeerCertificate } from 'node:tls'
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js'
import type { RequestHead } from '../component/authenticator.ts'
import type { HttpRequest } from './http/body.ts'

/** The head of an HTTP request, for an authenticator. */
export function headOfHttp(request: HttpRequest): RequestHead {
  return {
    header(name) {
      const value = request.headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    commonName() {
      // HTTP/2 wraps its socket in a proxy; `instanceof` still works.
      const { socket } = request
      return socket instanceof TLSSocket && socket.authorized ? commonNameOf(socket.getPeerCertificate()) : undefined
    },
  }
}

/** The head of a gRPC call, for an authenticator. */
export function headOfGrpc(metadata: Metadata, call: ServerInterceptingCallInterface): RequestHead {
  return {
    header(name) {
      const [value] = metadata.get(name)
      return typeof value === 'string' ? value : undefined
    },
    commonName: () => commonNameOf(call.getAuthContext().sslPeerCertificate),
  }
}

/** Undefined also if a certificate has several common names, as the right one is unknown. */
function commonNameOf(certificate: PeerCertificate | undefined): string | undefined {
  const name: unknown = certificate?.subject?.CN
  return typeof name === 'string' ? name : undefined
}
