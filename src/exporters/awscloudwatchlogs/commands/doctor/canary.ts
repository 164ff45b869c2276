// An event that is written, read back, and removed with its stream.

import {
  type CloudWatchLogsClient,
  DeleteLogStreamCommand,
  GetLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { setTimeout as sleep } from 'node:timers/promises'
import { attempt } from './attempt.ts'
import { findingOf } from './access.ts'
import type { Steps } from './step.ts'
import type { Target } from './target.ts'

const LOOK_EVERY_MS = 250
/** The stream is removed after Ctrl-C, too. */
const REMOVE_MS = 5_000

/** @param target its stream exists */
export async function runCanary(
  client: CloudWatchLogsClient,
  steps: Steps,
  { group: logGroupName, canaryStream: logStreamName }: Target,
  statement: (action: string) => object | undefined,
): Promise<void> {
  const names = { logGroupName, logStreamName }
  const message = JSON.stringify({
    body: `canary event of otlp-cloudwatch doctor in ${logStreamName}`,
    severity_text: 'INFO',
  })
  try {
    const logEvents = [{ timestamp: Date.now(), message }]
    const put = await attempt(() =>
      steps.within('canary', (abortSignal) =>
        client.send(new PutLogEventsCommand({ ...names, logEvents }), { abortSignal }),
      ),
    )
    const written = findingOf(
      'PutLogEvents',
      put,
      `wrote an event into ${logGroupName}, stream ${logStreamName}`,
      statement,
    )
    // The daemon may be allowed only the streams of its config.
    if (put.kind === 'denied') steps.report('canary', { ...written, status: 'warn' })
    else steps.report('canary', written)
    if (put.kind !== 'done') return
    const read = await attempt(() => steps.within('canary read', (signal) => readBack(client, names, message, signal)))
    const found = findingOf('GetLogEvents', read, 'read it back', statement)
    // The daemon reads nothing.
    steps.report('canary read', read.kind === 'denied' ? { ...found, status: 'warn' } : found)
  } finally {
    const removed = await attempt(() =>
      client.send(new DeleteLogStreamCommand(names), { abortSignal: AbortSignal.timeout(REMOVE_MS) }),
    )
    const found = findingOf('DeleteLogStream', removed, `removed the stream ${logStreamName}`, statement)
    const stays = `the stream ${logStreamName} stays in ${logGroupName}: ${found.detail}`
    steps.report('canary removal', found.status === 'ok' ? found : { ...found, status: 'warn', detail: stays })
  }
}

async function readBack(
  client: CloudWatchLogsClient,
  names: { readonly logGroupName: string; readonly logStreamName: string },
  message: string,
  abortSignal: AbortSignal,
): Promise<void> {
  for (;;) {
    const { events = [] } = await client.send(new GetLogEventsCommand({ ...names, startFromHead: true }), {
      abortSignal,
    })
    if (events.some((event) => event.message === message)) return
    await sleep(LOOK_EVERY_MS, undefined, { signal: abortSignal })
  }
}
