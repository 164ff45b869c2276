import { expect, onTestFinished, test, vi } from 'vitest'
import { callCloudWatch, SIGNED } from '../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

const WITHIN = { timeout: 20_000 }

/** A server with a group that takes seconds to search, and a search of it. */
async function searchUnderWay() {
  const defects: unknown[] = []
  const local = await startCloudWatchLocal({ quotas: false, onDefect: (error) => defects.push(error) })
  onTestFinished(() => local.close())
  const stream = { logGroupName: 'g', logStreamName: 's' }
  await callCloudWatch(local.url, 'CreateLogGroup', { logGroupName: 'g' })
  await callCloudWatch(local.url, 'CreateLogStream', stream)
  let seed = 1
  const letter = () => String.fromCharCode(97 + ((seed = (seed * 48_271) % 2_147_483_647) % 26))
  const message = Array.from({ length: 8_000 }, letter).join('')
  const logEvents = Array.from({ length: 100 }, () => ({ timestamp: Date.now(), message }))
  await callCloudWatch(local.url, 'PutLogEvents', { ...stream, logEvents })
  const client = new AbortController()
  const headers = {
    ...SIGNED,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Logs_20140328.FilterLogEvents',
  }
  const body = JSON.stringify({ logGroupName: 'g', filterPattern: '%[a-m].{300}[0-9]%' })
  const search = fetch(local.url, { method: 'POST', headers, body, signal: client.signal }).then(
    () => 'answered',
    () => 'cut',
  )
  await vi.waitUntil(() => local.calls.all.some(({ operation }) => operation === 'FilterLogEvents'), WITHIN)
  const outcome = () => local.calls.all.find(({ operation }) => operation === 'FilterLogEvents')?.outcome
  return { local, client, search, outcome, defects }
}

test('a search ends when its client has gone', async () => {
  const { client, search, outcome, defects } = await searchUnderWay()
  client.abort()
  expect(await search).toBe('cut')
  await vi.waitUntil(() => outcome() !== undefined, WITHIN)
  expect([outcome(), defects]).toEqual(['cut', []])
})

test('a search ends when the server closes', async () => {
  const { local, search, outcome, defects } = await searchUnderWay()
  await local.close()
  expect(await search).toBe('cut')
  await vi.waitUntil(() => outcome() !== undefined, WITHIN)
  expect([outcome(), defects]).toEqual(['cut', []])
})
