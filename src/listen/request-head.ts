import { TLSSocket, type PeerCertificate } from 'node:tls'
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js'
import type { RequestHead } from '../component/authenticator.ts'
import type { HttpRequest } from './http/body.ts'

/** What an authenticator sees of an HTTP request. */
export function headOfHttp(request: HttpRequest): RequestHead {
  return {
    header(name) {
      const value = request.headers[name]
      return Array.isArray(value) ? value[0] : value
    },
    commonName() {
      // HTTP/2 shows its socket through a proxy, which is an instance all the same.
      const { socket } = request
      return socket instanceof TLSSocket && socket.authorized ? commonNameOf(socket.getPeerCertificate()) : undefined
    },
  }
}

/** What an authenticator sees of a gRPC call. */
export function headOfGrpc(metadata: Metadata, call: ServerInterceptingCallInterface): RequestHead {
  return {
    header(name) {
      const [value] = metadata.get(name)
      return typeof value === 'string' ? value : undefined
    },
    commonName: () => commonNameOf(call.getAuthContext().sslPeerCertificate),
  }
}

/** Undefined also where a certificate has several: which one is meant, nobody can tell. */
function commonNameOf(certificate: PeerCertificate | undefined): string | undefined {
  const name: unknown = certificate?.subject?.CN
  return typeof name === 'string' ? name : undefined
}
