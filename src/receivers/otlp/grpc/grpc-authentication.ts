import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type StatusObject,
} from '@grpc/grpc-js'
import type { Authenticator, Identity } from '../../../component/authenticator.ts'
import type { Refused, Retry } from '../../../accounting/outcome.ts'
import { headOfGrpc } from '../../../listen/request-head.ts'

/** Authenticates calls by their metadata, before a byte of a message is read. */
export class GrpcAuthentication {
  readonly #authenticator: Authenticator
  readonly #refuse: (outcome: Refused | Retry, peer: string) => StatusObject
  /** grpc-js hands a handler the very metadata that its interceptors saw. */
  readonly #identities = new WeakMap<Metadata, Identity>()

  /** @param refuse counts a refused call and returns its status */
  constructor(authenticator: Authenticator, refuse: (outcome: Refused | Retry, peer: string) => StatusObject) {
    this.#authenticator = authenticator
    this.#refuse = refuse
  }

  identityOf(metadata: Metadata): Identity | undefined {
    return this.#identities.get(metadata)
  }

  /** Wraps another interceptor: a refused call gets no further than its metadata. */
  before(inner: ServerInterceptor): ServerInterceptor {
    return (method, call) => this.#guard(inner(method, call))
  }

  #guard(call: ServerInterceptingCallInterface): ServerInterceptingCall {
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const decided = this.#authenticator.authenticate(headOfGrpc(metadata, call))
            if (decided.kind !== 'authenticated') return call.sendStatus(this.#refuse(decided, call.getPeer()))
            if (decided.identity !== undefined) this.#identities.set(metadata, decided.identity)
            pass(metadata)
          },
          onReceiveMessage: (message, pass) => pass(message),
          onReceiveHalfClose: (pass) => pass(),
          onCancel: () => {},
        }),
    })
  }
}
