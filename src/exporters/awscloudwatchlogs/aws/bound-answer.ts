import { Readable } from 'node:stream'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'

/** Answers to calls that write have some hundred bytes; DescribeLogGroups of 50 groups has about 20 KB. */
export const MAX_ANSWER_BYTES = 1_048_576
/**
 * Bytes of a page of FilterLogEvents: 1 MB of events, each byte of which may take 6 in JSON, and 10,000 times an id, times and
 * the name of a stream of up to 512 characters.
 */
export const MAX_PAGE_BYTES = 16 * 1_048_576
/** Live Tail answers for hours; the reader bounds its silence. */
const EVENT_STREAM = 'application/vnd.amazon.eventstream'
const MIN_REFUSAL_STATUS = 300

/**
 * Bounds the size and duration of an answer's body: the SDK's `requestTimeout` covers only the head, and the SDK reads the
 * body to the end, however long it is and takes. The body is read here and passed to the SDK whole. `pipeline` is not used:
 * with the SDK's own pipe it left 13 KB per put alive past young collections, a fifth of the memory under load.
 * @param limitMs maximum time for the body to arrive
 */
export function boundAnswers(client: CloudWatchLogsClient, limitMs: number, maxBytes: number): void {
  client.middlewareStack.add(
    (next) => async (call) => {
      const result = await next(call)
      const response = result.response as Answer
      if (!(response.body instanceof Readable) || isEventStream(response)) return result
      try {
        response.body = await read(response.body, limitMs, maxBytes)
      } catch (error) {
        // For a refusal the status is enough.
        if (response.statusCode < MIN_REFUSAL_STATUS) throw error
        response.body = new Uint8Array()
      }
      return result
    },
    // Next to the handler, before anything else reads the body.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  )
}

interface Answer {
  body?: unknown
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
}

function isEventStream({ statusCode, headers }: Answer): boolean {
  return statusCode < MIN_REFUSAL_STATUS && headers['content-type'] === EVENT_STREAM
}

async function read(body: Readable, limitMs: number, maxBytes: number): Promise<Uint8Array> {
  const timer = setTimeout(() => body.destroy(timeout(limitMs)), limitMs)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      // Leaving the loop destroys the body and its connection.
      if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
  }
}

/** Has the name of the SDK's own timeout errors. */
function timeout(limitMs: number): Error {
  return Object.assign(new Error(`the body of the answer did not arrive within ${limitMs} ms`), {
    name: 'TimeoutError',
  })
}
