// AWS error codes about the credentials that a call was signed with, from any service.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html

/** Temporary credentials have expired: newer ones are needed. */
export const EXPIRED_CODES = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'] as const

/** Credentials are unknown to AWS or may not be used. */
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

/** The credentials may not do this. */
export const DENIED_CODES = ['AccessDenied', 'AccessDeniedException', 'NotAuthorized', 'UnauthorizedOperation'] as const

/** The signature does not match: the secret, the Region or the time is wrong. */
export const SIGNATURE_CODES = ['SignatureDoesNotMatch', 'InvalidSignatureException'] as const

const REFUSING: ReadonlySet<unknown> = new Set([...EXPIRED_CODES, ...INVALID_CODES, ...SIGNATURE_CODES])

/** Whether the error refuses the credentials, so that others might be accepted. */
export function refusesCredentials(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && REFUSING.has(error.name)
}
