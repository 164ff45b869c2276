import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { loadEncoder } from '../live-tail/frame.ts'
import type { LiveTailSession } from '../live-tail/session.ts'

/** A client that reads nothing for this long loses its session, one of 15. */
const MAX_STALL_MS = 60_000

/** Answers with the messages of a session as they come, no faster than the client reads. @param signal ends it */
export async function streamAnswer(
  response: ServerResponse,
  requestId: string,
  session: LiveTailSession,
  signal: AbortSignal,
): Promise<void> {
  const encode = await loadEncoder()
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': requestId })
  for await (const message of session.messages(encode, signal)) {
    if (signal.aborted) return
    if (!response.write(message)) await drained(response, signal)
  }
  response.end()
}

/** Destroys a response whose client does not read. */
async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  const timer = setTimeout(() => response.destroy(), MAX_STALL_MS)
  try {
    await once(response, 'drain', { signal })
  } finally {
    clearTimeout(timer)
  }
}
