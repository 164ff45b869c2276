import type { Component } from './component.ts'
import type { Refused, Retry } from '../accounting/outcome.ts'

/** A tenant: a sender that may write only certain log groups. One object per tenant, so that it can be a map key. */
export interface Identity {
  /** Name for people, used in the error to a sender that may not write a group. */
  readonly name: string
  /** Patterns with `*`; at least one. */
  readonly allowedGroups: readonly string[]
}

/** The head of a request, for authentication. The body has not been read. */
export interface RequestHead {
  /** Returns an HTTP header or gRPC metadata entry by its lower-case name; the first value if there are several. */
  header(name: string): string | undefined
  /** Returns the subject's common name of the client certificate, if TLS has verified one. */
  commonName(): string | undefined
}

export type Authentication = Authenticated | Refused | Retry

export interface Authenticated {
  readonly kind: 'authenticated'
  /** Undefined: only the exporter's own rules limit the sender. */
  readonly identity: Identity | undefined
}

/** Decides who may send. Implemented by extensions that a receiver's `auth.authenticator` can name. */
export interface Authenticator {
  /** The value of `WWW-Authenticate` in a 401 response (RFC 9110, 11.6.1). */
  readonly challenge: string
  /**
   * Never throws, and never repeats the sender's credentials. Returns a Retry if it cannot decide now: the credentials may
   * be valid, and a refusal would make the sender drop its records.
   */
  authenticate(head: RequestHead): Authentication
}

export function isAuthenticator(component: Component | undefined): component is Component & Authenticator {
  return component !== undefined && 'authenticate' in component
}
