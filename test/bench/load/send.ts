/** Outcome of a request: accepted, retryable, or unknown because its connection broke. */
export type SendOutcome = 'taken' | 'refused' | 'unknown'

/** Sends one request after the other on a connection of its own. Rejects for an answer that no sender should get. */
export type Send = (body: Buffer) => Promise<SendOutcome>

export interface SendOptions {
  readonly port: number
  readonly json: boolean
  /** Whether the bodies are compressed. */
  readonly gzip: boolean
}
