/**
 * Credentials could not be had; its cause says why. Whatever answered so (STS, instance metadata, a file), it is a fault of
 * the credential: the same code would mean something else if CloudWatch had said it.
 */
export class NoCredentials extends Error {
  override readonly name = 'NoCredentials'

  constructor(cause: unknown) {
    super(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { cause })
  }
}
