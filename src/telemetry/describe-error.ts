/** Maximum causes described: more than any real chain has; ends a cycle of causes. */
const MAX_CAUSES = 10

/** Returns the messages of an error and of its causes, outermost first. A cause that is already quoted is not repeated. */
export function describeError(error: unknown): string {
  const parts: string[] = []
  let current = error
  for (let depth = 0; depth < MAX_CAUSES && current !== undefined && current !== null; depth++) {
    const message = messageOf(current)
    if (message !== '' && !parts.some((part) => part.includes(message))) parts.push(message)
    current = current instanceof Error ? current.cause : undefined
  }
  return parts.join(': ')
}

function messageOf(error: unknown): string {
  // A refused connection to a host name with several addresses is an AggregateError without a message.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ')
  if (error instanceof Error) return error.message === '' ? error.name : error.message
  return String(error)
}
