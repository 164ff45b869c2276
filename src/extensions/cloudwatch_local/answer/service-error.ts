/** What the service says no with: a code, a sentence, an HTTP status, and now and then a field of its own. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  /** As in `__type`, without a namespace: `ResourceNotFoundException`. */
  readonly code: string
  readonly status: number
  /** Further members of the answer, such as `expectedSequenceToken`. */
  readonly members: Readonly<Record<string, string>>

  constructor(code: string, message: string, status = 400, members: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.status = status
    this.members = members
  }
}

export function invalidParameter(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message)
}

/** A member has another JSON type than the model gives it: found while the request is decoded, before any rule. */
export function serialization(message: string): ServiceError {
  return new ServiceError('SerializationException', message)
}

export function groupNotFound(): ServiceError {
  return new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.')
}

export function streamNotFound(): ServiceError {
  return new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.')
}

export function throttled(): ServiceError {
  return new ServiceError('ThrottlingException', 'Rate exceeded')
}
