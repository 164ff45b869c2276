// The winston and pino transports against a CloudWatch in the same process, and applications as processes of their own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { CloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { CLEAN_ENVIRONMENT } from '../daemon/daemon.ts'

export const WINSTON_ENTRY = new URL('../../../src/winston.ts', import.meta.url).href
export const PINO_ENTRY = new URL('../../../src/pino.ts', import.meta.url).href

/** Options of both transports that write into `local`. */
export function transportOptions(local: CloudWatchLocal) {
  return {
    logGroupName: 'group',
    logStreamName: 'stream',
    region: 'us-east-1',
    endpoint: local.url,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    flushInterval: '50ms',
    flushTimeoutMillis: 20_000,
    retryOnFailure: { initialInterval: '20ms', maxInterval: '200ms' },
  }
}

/** Messages that are stored, by time. */
export function messages(local: CloudWatchLocal): string[] {
  return local.events().map(({ message }) => message)
}

/** The stored events as objects of JSON. */
export function stored(local: CloudWatchLocal): Record<string, unknown>[] {
  return messages(local).map((message) => JSON.parse(message) as Record<string, unknown>)
}

/** Lines that the transports write to stderr, which vitest does not see: they bypass process.stderr. */
export interface AppRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs an application written as an ES module, and waits for its end. */
export async function runApp(script: string, env: Readonly<Record<string, string>> = {}): Promise<AppRun> {
  const app = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...CLEAN_ENVIRONMENT, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void app.kill('SIGKILL'))
  const [stdout, stderr] = await Promise.all([text(app.stdout), text(app.stderr), once(app, 'exit')])
  return { code: app.exitCode, stdout, stderr }
}
