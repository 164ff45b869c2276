import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Calls } from '../../../../../src/exporters/awscloudwatchlogs/aws/calls.ts'
import { destination } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const never = () => new Promise<never>(() => {})
const target = destination('group', 'stream')

test.each<[string, (calls: Calls, signal: AbortSignal) => Promise<unknown>]>([
  ['PutLogEvents', (calls, signal) => calls.putLogEvents(Buffer.from('{}'), false, signal)],
  ['CreateLogStream', (calls, signal) => calls.createLogStream(target, signal)],
  ['CreateLogGroup', (calls, signal) => calls.createLogGroup('group', {}, signal)],
  ['PutRetentionPolicy', (calls, signal) => calls.putRetentionPolicy('group', 1, signal)],
])('%s waits 30 s for missing credentials, or until it is aborted', async (_, call) => {
  const client = new CloudWatchLogsClient({ region: 'us-east-1', credentials: never })
  const stop = new AbortController()
  const failed = vi.fn<(error: Error) => void>()
  void call(new Calls(client), stop.signal).catch(failed)
  await vi.advanceTimersByTimeAsync(29_999)
  expect(failed).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(failed.mock.lastCall?.[0]).toMatchObject({ name: 'NoCredentials', cause: { name: 'TimeoutError' } })

  void call(new Calls(client), stop.signal).catch(failed)
  stop.abort()
  await vi.advanceTimersByTimeAsync(0)
  expect(failed.mock.lastCall?.[0]).toMatchObject({ name: 'NoCredentials', cause: { name: 'AbortError' } })
  expect(vi.getTimerCount()).toBe(0)
})
