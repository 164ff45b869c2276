import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { expect, onTestFinished, test } from 'vitest'
import { callCloudWatch, refusalOf } from '../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

async function sts() {
  const local = await startCloudWatchLocal({ accountId: '123456789012' })
  const client = new STSClient({
    endpoint: local.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
  onTestFinished(async () => {
    client.destroy()
    await local.close()
  })
  return { local, client }
}

test('the SDK of STS learns who it is', async () => {
  const { local, client } = await sts()
  expect(await client.send(new GetCallerIdentityCommand({}))).toMatchObject({
    Account: '123456789012',
    Arn: 'arn:aws:iam::123456789012:user/local',
    UserId: 'AIDACLOUDWATCHLOCAL0',
  })
  expect(local.calls.all).toMatchObject([{ operation: 'GetCallerIdentity', accessKeyId: 'AKIDLOCAL', outcome: 'ok' }])
})

test('faults apply, and an error has its code and message', async () => {
  const { local, client } = await sts()
  local.faults.error('ExpiredToken', 'a < b & c', 403, { operation: 'GetCallerIdentity' })
  await expect(client.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: 'ExpiredToken',
    message: 'a < b & c',
    $metadata: { httpStatusCode: 403 },
  })
})

test('an operation that is not here is refused with the name of the one that is', async () => {
  const { client } = await sts()
  await expect(client.send(new GetSessionTokenCommand({}))).rejects.toThrow(
    "cloudwatch_local has no operation 'GetSessionToken'; it has GetCallerIdentity",
  )
})

test('a request that is not signed for STS is refused, and the API of logs has no such operation', async () => {
  const { local } = await sts()
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const answer = await fetch(local.url, { method: 'POST', headers: form, body })
  expect([answer.status, await answer.text()]).toEqual([
    400,
    expect.stringContaining('<Code>MissingAuthenticationTokenException</Code>'),
  ])
  const json = await callCloudWatch(local.url, 'GetCallerIdentity', {})
  expect(refusalOf(json)).toContain("UnknownOperationException: cloudwatch_local has no operation 'GetCallerIdentity'")
})

test('a form that is too long is refused', async () => {
  const { local } = await sts()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(local.url, { method: 'POST', headers, body: 'a'.repeat(9 * 1_048_576) }).catch(
    () => undefined,
  )
  expect(answer?.status ?? 413).toBe(413)
})
