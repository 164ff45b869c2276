/** Credentials that a sender sent. */
export interface Credentials {
  readonly user: string
  readonly password: Buffer
}

const BASIC = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i
const COLON = 0x3a

/** Parses `Basic <base64 of user:password>`; undefined if the header is missing or anything else. */
export function parseCredentials(header: string | undefined): Credentials | undefined {
  const encoded = BASIC.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  // A password may contain colons (RFC 7617, 2).
  const colon = bytes.indexOf(COLON)
  return colon < 0 ? undefined : { user: bytes.toString('utf8', 0, colon), password: bytes.subarray(colon + 1) }
}
