// Messages of an event stream (application/vnd.amazon.eventstream), as StartLiveTail answers with.

export type Encode = (kind: 'event' | 'exception', type: string, body: object) => Uint8Array

/** Loads the codec of the AWS SDK, which only sessions need. */
export async function loadEncoder(): Promise<Encode> {
  const { EventStreamCodec } = await import('@smithy/core/event-streams')
  const codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
    (text) => Buffer.from(text),
  )
  const text = (value: string) => ({ type: 'string', value }) as const
  return (kind, type, body) =>
    codec.encode({
      headers: {
        ':message-type': text(kind),
        [`:${kind}-type`]: text(type),
        ':content-type': text('application/json'),
      },
      body: Buffer.from(JSON.stringify(body)),
    })
}
