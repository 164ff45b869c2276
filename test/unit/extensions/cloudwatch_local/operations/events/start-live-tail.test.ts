import { expect, onTestFinished, test, vi } from 'vitest'
import { callCloudWatch, refusalOf, SIGNED } from '../../../../../fakes/call-cloudwatch.ts'
import { type CloudWatchLocal, startCloudWatchLocal } from '../../../../../fakes/cloudwatch.ts'

const WITHIN = { timeout: 20_000, interval: 20 }
const arn = (group: string) => `arn:aws:logs:us-east-1:000000000000:log-group:${group}`

async function local(): Promise<CloudWatchLocal> {
  const started = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => started.close())
  await callCloudWatch(started.url, 'CreateLogGroup', { logGroupName: 'g' })
  await callCloudWatch(started.url, 'CreateLogGroup', { logGroupName: 'h' })
  await callCloudWatch(started.url, 'CreateLogGroup', { logGroupName: 'ia', logGroupClass: 'INFREQUENT_ACCESS' })
  await callCloudWatch(started.url, 'CreateLogStream', { logGroupName: 'g', logStreamName: 's' })
  return started
}

/** Opens a session; its messages are not read. */
async function open({ url }: CloudWatchLocal, request: object, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Logs_20140328.StartLiveTail' }
  const body = JSON.stringify(request)
  return fetch(url, { method: 'POST', headers: { ...headers, ...SIGNED }, body, ...(signal && { signal }) })
}

test.each<[object, string]>([
  [{}, "InvalidParameterException: 1 validation error detected: Value null at 'logGroupIdentifiers'"],
  [{ logGroupIdentifiers: [] }, 'InvalidParameterException: 1 validation error detected'],
  [{ logGroupIdentifiers: 'g' }, 'SerializationException'],
  [{ logGroupIdentifiers: Array<string>(11).fill(arn('g')) }, 'InvalidParameterException: 1 validation error detected'],
  [{ logGroupIdentifiers: ['g'] }, "InvalidParameterException: The log group identifier 'g' is not the ARN"],
  [{ logGroupIdentifiers: [`${arn('g')}:*`] }, 'InvalidParameterException'],
  [{ logGroupIdentifiers: [arn('none')] }, 'ResourceNotFoundException: The specified log group does not exist.'],
  [{ logGroupIdentifiers: [arn('ia')] }, 'InvalidOperationException'],
  [{ logGroupIdentifiers: [arn('g'), arn('h')], logStreamNames: ['s'] }, 'InvalidParameterException'],
  [
    { logGroupIdentifiers: [arn('g')], logStreamNames: ['s'], logStreamNamePrefixes: ['s'] },
    'InvalidParameterException: logStreamNames and logStreamNamePrefixes are mutually exclusive',
  ],
  [
    { logGroupIdentifiers: [arn('g')], logEventFilterPattern: '{ $.a' },
    'InvalidParameterException: Invalid filter pattern',
  ],
])('%j is refused', async (request, refusal) => {
  const cloudwatch = await local()
  expect(refusalOf(await callCloudWatch(cloudwatch.url, 'StartLiveTail', request))).toContain(refusal)
  expect(cloudwatch.store.watchers.size).toBe(0)
})

test('an account has 15 sessions, and a client that goes frees its own', async () => {
  const cloudwatch = await local()
  const request = { logGroupIdentifiers: [arn('g')] }
  const gone = new AbortController()
  for (let sessions = 0; sessions < 15; sessions += 1)
    expect((await open(cloudwatch, request, sessions === 0 ? gone.signal : undefined)).status).toBe(200)
  expect(refusalOf(await callCloudWatch(cloudwatch.url, 'StartLiveTail', request))).toContain('LimitExceededException')
  gone.abort()
  await vi.waitUntil(() => cloudwatch.store.watchers.size === 14, WITHIN)
  expect((await open(cloudwatch, request)).status).toBe(200)
  await cloudwatch.close()
  await vi.waitUntil(() => cloudwatch.store.watchers.size === 0, WITHIN)
})

test('only the streams that were asked for are passed on', async () => {
  const cloudwatch = await local()
  for (const logStreamName of ['app-1', 'web'])
    await callCloudWatch(cloudwatch.url, 'CreateLogStream', { logGroupName: 'g', logStreamName })
  const { body } = await open(cloudwatch, { logGroupIdentifiers: [arn('g')], logStreamNamePrefixes: ['app'] })
  for (const logStreamName of ['web', 'app-1']) {
    const logEvents = [{ timestamp: Date.now(), message: `of ${logStreamName}` }]
    await callCloudWatch(cloudwatch.url, 'PutLogEvents', { logGroupName: 'g', logStreamName, logEvents })
  }
  let text = ''
  for await (const chunk of body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString('latin1')
    if (text.includes('of app-1')) break
  }
  expect(text).not.toContain('of web')
})

test('a session whose pattern would take seconds ends, and the put is not harmed', async () => {
  const cloudwatch = await local()
  const pattern = '%[a-m].{1000}[0-9]%'
  const { body } = await open(cloudwatch, { logGroupIdentifiers: [arn('g')], logEventFilterPattern: pattern })
  const logEvents = [{ timestamp: Date.now(), message: 'a'.repeat(400_000) }]
  const put = { logGroupName: 'g', logStreamName: 's', logEvents }
  expect((await callCloudWatch(cloudwatch.url, 'PutLogEvents', put)).status).toBe(200)
  let text = ''
  for await (const chunk of body ?? []) text += Buffer.from(chunk as Uint8Array).toString('latin1')
  expect(text).toContain('SessionStreamingException')
  expect(cloudwatch.store.watchers.size).toBe(0)
})
