import { createHash, timingSafeEqual } from 'node:crypto'
import type { Identity } from '../../component/authenticator.ts'
import { ComponentError } from '../../component/component.ts'
import { SecretFile } from '../../listen/secret-file.ts'
import type { Logger } from '../../telemetry/logger.ts'

/** Tokens are kept and compared as digests: all have the same length, so each comparison takes the same time. */
export type Digest = Buffer

export function digestOf(token: string): Digest {
  return createHash('sha256').update(token).digest()
}

/** Tokens of one sender, or of all senders not bound to groups. */
export interface TokenSource {
  readonly identity: Identity | undefined
  /** Undefined while the tokens cannot be read. */
  readonly digests: readonly Digest[] | undefined
  start(): Promise<void>
  close(): Promise<void>
}

export function fixedTokens(tokens: readonly string[], identity: Identity | undefined): TokenSource {
  return { identity, digests: tokens.map(digestOf), start: async () => {}, close: async () => {} }
}

/** One token a line. @param where the YAML path of the option, for errors */
export function tokenFile(path: string, where: string, identity: Identity | undefined, logger: Logger): TokenSource {
  const file = new SecretFile({ path, where, logger, parse: (text) => parseTokens(text, path, where) })
  return {
    identity,
    get digests() {
      return file.content
    },
    start: () => file.start(),
    close: () => file.close(),
  }
}

function parseTokens(text: string, path: string, where: string): readonly Digest[] {
  const tokens = text.split('\n').map((line) => line.trim())
  const digests = tokens.filter((token) => token !== '').map(digestOf)
  // A file that is being written is empty too: an error makes senders retry instead of dropping their records.
  if (digests.length === 0) throw new ComponentError(`${where}: ${path} holds no token: write one a line`)
  return digests
}

/** Returns whether `digest` is in the list. Compares all, so that the time does not reveal a match. */
export function holds(digests: readonly Digest[], digest: Digest): boolean {
  let found = false
  for (const known of digests) found = timingSafeEqual(known, digest) || found
  return found
}
