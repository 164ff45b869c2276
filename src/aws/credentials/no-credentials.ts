/**
 * Credentials could not be obtained; `cause` has the reason. Wherever that comes from (STS, instance metadata, a file), it is
 * a fault of the credential: the same code in an answer of CloudWatch would mean something else.
 */
export class NoCredentials extends Error {
  override readonly name = 'NoCredentials'

  constructor(cause: unknown) {
    super(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { cause })
  }
}
