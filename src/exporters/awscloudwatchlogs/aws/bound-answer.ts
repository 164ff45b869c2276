import { Readable } from 'node:stream'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'

/** CloudWatch's own answers have some hundred bytes; DescribeLogGroups of 50 groups has about 20 KB. */
const MAX_ANSWER_BYTES = 1_048_576
const MIN_REFUSAL_STATUS = 300

/**
 * Bounds what an answer may take: the SDK's `requestTimeout` ends with the head of the answer, and its body is read to
 * the end, however long that is and whenever it comes. So it is read here, and handed to the SDK whole. Without
 * `pipeline`: 13 KB of what it and the SDK's own pipe leave of a put outlived young collections, and a fifth of the memory
 * under load was that.
 * @param limitMs for the body to arrive
 */
export function boundAnswers(client: CloudWatchLogsClient, limitMs: number): void {
  client.middlewareStack.add(
    (next) => async (call) => {
      const result = await next(call)
      const response = result.response as { body?: unknown; readonly statusCode: number }
      if (!(response.body instanceof Readable)) return result
      try {
        response.body = await read(response.body, limitMs)
      } catch (error) {
        // A refusal is one by its status alone.
        if (response.statusCode < MIN_REFUSAL_STATUS) throw error
        response.body = new Uint8Array()
      }
      return result
    },
    // Next to the handler: before anything reads the body.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  )
}

async function read(body: Readable, limitMs: number): Promise<Uint8Array> {
  const timer = setTimeout(() => body.destroy(timeout(limitMs)), limitMs)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      // To leave the loop destroys the body, and its connection.
      if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(timer)
  }
}

/** Named as the SDK names its own. */
function timeout(limitMs: number): Error {
  return Object.assign(new Error(`the body of the answer did not arrive within ${limitMs} ms`), {
    name: 'TimeoutError',
  })
}
