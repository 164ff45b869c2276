import type { Component } from './component.ts'
import type { Refused, Retry } from '../accounting/outcome.ts'

/** A sender that is bound to log groups: one tenant of several. Made once for each, so that it can be a key. */
export interface Identity {
  /** For people: told to the sender that may not write a group. */
  readonly name: string
  /** Patterns with `*`; at least one. */
  readonly allowedGroups: readonly string[]
}

/** What a sender is judged by: the head of its request. The body has not been read. */
export interface RequestHead {
  /** A header of HTTP, or the metadata of gRPC, by its lower-case name; the first value if there are several. */
  header(name: string): string | undefined
  /** Common name of the subject of the client's certificate, where TLS has verified one. */
  commonName(): string | undefined
}

export type Authentication = Authenticated | Refused | Retry

export interface Authenticated {
  readonly kind: 'authenticated'
  /** Undefined: known, and bound by the exporter's own rules alone. */
  readonly identity: Identity | undefined
}

/** Decides who may send. What an extension is that a receiver's `auth.authenticator` names. */
export interface Authenticator {
  /** What `WWW-Authenticate` says beside a 401 (RFC 9110, 11.6.1). */
  readonly challenge: string
  /**
   * Never throws, and never repeats what the sender showed. A Retry where it cannot tell at the moment: the sender's
   * credentials may be good, and a refusal would make it drop its records.
   */
  authenticate(head: RequestHead): Authentication
}

export function isAuthenticator(component: Component | undefined): component is Component & Authenticator {
  return component !== undefined && 'authenticate' in component
}
