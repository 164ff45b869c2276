/** An error of the service: a code, a message, an HTTP status, and sometimes more members. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  /** Value of `__type`, without a namespace: `ResourceNotFoundException`. */
  readonly code: string
  readonly status: number
  /** Further members of the response, such as `expectedSequenceToken`. */
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

/** For a member with a JSON type that differs from the model. It is found on decoding, before any rule is checked. */
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
