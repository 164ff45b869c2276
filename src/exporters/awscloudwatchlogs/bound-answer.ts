import { PassThrough, pipeline, Readable } from 'node:stream'
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'

/** CloudWatch's own answers have some hundred bytes; DescribeLogGroups of 50 groups has about 20 KB. */
const MOST_ANSWER_BYTES = 1_048_576

/**
 * Bounds what an answer may take: the SDK's `requestTimeout` ends with the head of the answer, and its body is read to
 * the end, however long that is and whenever it comes.
 * @param limitMs for the body to arrive
 */
export function boundAnswers(client: CloudWatchLogsClient, limitMs: number): void {
  client.middlewareStack.add(
    (next) => async (call) => {
      const result = await next(call)
      const response = result.response as { body?: unknown }
      if (response.body instanceof Readable) response.body = bounded(response.body, limitMs)
      return result
    },
    // Next to the handler: before anything reads the body.
    { step: 'deserialize', priority: 'low', name: 'boundAnswers' },
  )
}

function bounded(body: Readable, limitMs: number): Readable {
  let bytes = 0
  const within = new PassThrough()
  const timer = setTimeout(() => within.destroy(timeout(limitMs)), limitMs)
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MOST_ANSWER_BYTES) within.destroy(new Error(`the answer is longer than ${MOST_ANSWER_BYTES} bytes`))
  })
  // Whichever ends or fails first ends the other, and the connection with it. The error goes to the reader of `within`.
  pipeline(body, within, () => clearTimeout(timer))
  return within
}

/** Named as the SDK names its own. */
function timeout(limitMs: number): Error {
  return Object.assign(new Error(`the body of the answer did not arrive within ${limitMs} ms`), {
    name: 'TimeoutError',
  })
}
