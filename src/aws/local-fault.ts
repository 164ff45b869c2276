/** Node's codes for unsendable requests: a line break in a header, an invalid URL or argument, no home directory. */
const LOCAL_CODES =
  /^ERR_(?:INVALID_|HTTP_INVALID_|UNESCAPED_CHARACTERS|SYSTEM_ERROR|PROXY_INVALID_CONFIG|TLS_INVALID_|OSSL_)/

/**
 * A call that failed before any of it left the process: a setting is wrong, not the network or AWS. Nothing can have been
 * carried out.
 */
export class LocalFault extends Error {
  override readonly name = 'LocalFault'

  /** @param cause an error of the SDK or of Node, or a description */
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** @param code Node's code of an error that the connection or the SDK threw */
export function isLocalCode(code: unknown): boolean {
  return typeof code === 'string' && LOCAL_CODES.test(code)
}
