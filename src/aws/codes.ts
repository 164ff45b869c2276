// Error codes of AWS that are about the credentials a call was signed with, whichever service says so.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html

/** Temporary credentials that are over: newer ones are needed. */
export const EXPIRED_CODES = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'] as const

/** Credentials that AWS does not know, or that may not be used. */
export const INVALID_CODES = [
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'AuthFailure',
  'OptInRequired',
] as const

/** The signature does not fit: the secret, the Region it was made for, or the time on it is wrong. */
export const SIGNATURE_CODES = ['SignatureDoesNotMatch', 'InvalidSignatureException'] as const

const REFUSING: ReadonlySet<unknown> = new Set([...EXPIRED_CODES, ...INVALID_CODES, ...SIGNATURE_CODES])

/** Whether other credentials might be taken where these were refused. */
export function refusesCredentials(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && REFUSING.has(error.name)
}
