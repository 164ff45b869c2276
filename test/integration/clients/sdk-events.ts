/** An event as clients read it. */
export interface StoredEvent {
  readonly timestamp: number
  readonly message: string
}

type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown

/** An event's JSON; an integer that a double cannot hold is a bigint. */
export function parseMessage(message: string): unknown {
  const exact: Reviver = (_, value, { source }) =>
    typeof value === 'number' && /^-?\d+$/.test(source) && !Number.isSafeInteger(value) ? BigInt(source) : value
  return JSON.parse(message, exact as (key: string, value: unknown) => unknown)
}
