import { parentPort, workerData } from 'node:worker_threads'
import { timerDelay } from '../../../../telemetry/timer-delay.ts'
import { CloudWatchStream, type CloudWatchStreamOptions } from './pino-transport.ts'

/** Keys that pino adds to a transport's options. */
const OF_PINO: ReadonlySet<string> = new Set(['$context', 'pinoWillSendConfig', 'levels', 'dedupe'])
/** pino sends its configuration in the turn in which it is created; in pino.multistream it never does. */
const MAX_CONFIG_WAIT_MS = 1_000

/**
 * Makes the stream of pino's worker thread. pino passes lines on only once this has resolved, so that custom levels are known.
 * @throws Error naming each option that is wrong and what to write instead
 */
export async function cloudWatchTransport(options: CloudWatchStreamOptions): Promise<CloudWatchStream> {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options)
  const own = isObject ? Object.fromEntries(Object.entries(options).filter(([key]) => !OF_PINO.has(key))) : options
  const stream = new CloudWatchStream(own as CloudWatchStreamOptions)
  if (parentPort !== null && willSendConfig()) stream.configure(await nextConfig(parentPort))
  return stream
}

function willSendConfig(): boolean {
  const data = workerData as { readonly workerData?: { readonly pinoWillSendConfig?: unknown } } | null
  return data?.workerData?.pinoWillSendConfig === true
}

/** The first message with a configuration; undefined if none comes in time. */
async function nextConfig(port: NonNullable<typeof parentPort>): Promise<unknown> {
  const received = Promise.withResolvers<unknown>()
  const onMessage = (message: unknown) => {
    if ((message as { readonly code?: unknown } | null)?.code === 'PINO_CONFIG') received.resolve(message)
  }
  const timer = setTimeout(() => received.resolve(undefined), timerDelay(MAX_CONFIG_WAIT_MS))
  port.on('message', onMessage)
  try {
    return await received.promise
  } finally {
    clearTimeout(timer)
    port.off('message', onMessage)
  }
}
