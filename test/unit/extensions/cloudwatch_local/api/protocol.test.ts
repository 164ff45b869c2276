import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callCloudWatch, refusalOf, SIGNED } from '../../../../fakes/call-cloudwatch.ts'
import { startCloudWatchLocal, type CloudWatchLocal } from '../../../../fakes/cloudwatch.ts'

let local: CloudWatchLocal
beforeAll(async () => {
  local = await startCloudWatchLocal({ quotas: false })
})
afterAll(() => local.close())

const call = (operation: string, request: unknown, headers: Record<string, string> = {}) =>
  callCloudWatch(local.url, operation, request, headers)

const signedBy = (change: (header: string) => string) => ({ authorization: change(SIGNED.authorization ?? '') })

test('an error is a 400 with its type in body and header, and a request id', async () => {
  const { status, headers, body } = await call('DeleteLogGroup', { logGroupName: 'nowhere' })
  expect(status).toBe(400)
  expect(body).toEqual({ __type: 'ResourceNotFoundException', message: 'The specified log group does not exist.' })
  expect(headers.get('content-type')).toBe('application/x-amz-json-1.1')
  expect(headers.get('x-amzn-errortype')).toBe('ResourceNotFoundException')
  expect(headers.get('x-amzn-requestid')).toMatch(/^[\da-f]{8}-/)
})

test('an operation that returns nothing is answered with an empty body', async () => {
  const { status, headers, body } = await call('CreateLogGroup', { logGroupName: 'empty-answer' })
  expect([status, headers.get('content-length'), body]).toEqual([200, '0', {}])
})

test('a member that is null counts as absent', async () => {
  expect(refusalOf(await call('DescribeLogGroups', { logGroupNamePrefix: null, limit: null }))).toBe('ok')
})

test('an unsupported operation is refused with the names of the supported ones', async () => {
  expect(refusalOf(await call('StartQuery', {}))).toBe(
    "UnknownOperationException: cloudwatch_local has no operation 'StartQuery'; it has AssociateKmsKey, CreateLogGroup, CreateLogStream, DeleteLogGroup, DeleteLogStream, DeleteRetentionPolicy, DescribeLogGroups, DescribeLogStreams, FilterLogEvents, GetLogEvents, ListLogGroups, ListTagsForResource, PutLogEvents, PutLogGroupDeletionProtection, PutRetentionPolicy, StartLiveTail, TagResource, UntagResource",
  )
})

describe('a request that is no CloudWatch Logs call is refused as such', () => {
  test.each<[string, Record<string, string>]>([
    ['another content type', { 'content-type': 'application/json' }],
    ['another service', { 'x-amz-target': 'DynamoDB_20120810.PutItem' }],
  ])('%s', async (_, headers) => {
    expect(refusalOf(await call('DescribeLogGroups', {}, headers))).toMatch(
      /^UnknownOperationException: This is a CloudWatch Logs API: POST \//,
    )
  })

  test('a browser', async () => {
    const response = await fetch(local.url)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('MissingAuthenticationTokenException')
  })
})

describe('a request has to be signed, for this service', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'a bearer token',
      { authorization: 'Bearer abc' },
      "IncompleteSignatureException: Unsupported Authorization type: 'Bearer'.",
    ],
    [
      'no signature',
      signedBy((header) => header.replace(/, Signature=.*/, '')),
      "IncompleteSignatureException: Authorization header requires 'Signature' parameter.",
    ],
    [
      'no signed headers',
      signedBy((header) => header.replace(/SignedHeaders=[^,]*, /, '')),
      "IncompleteSignatureException: Authorization header requires 'SignedHeaders' parameter.",
    ],
    [
      'a credential without a scope',
      signedBy((header) => header.replace('/20260102/us-east-1/logs/aws4_request', '')),
      "IncompleteSignatureException: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, with the term 'aws4_request'.",
    ],
    [
      'another service',
      signedBy((header) => header.replace('/logs/', '/sts/')),
      "InvalidSignatureException: Credential should be scoped to correct service: 'logs'.",
    ],
    [
      'another day than x-amz-date',
      { 'x-amz-date': '20260103T000000Z' },
      "InvalidSignatureException: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: '20260103T000000Z'.",
    ],
    [
      'host not signed',
      signedBy((header) => header.replace('host;', '')),
      "InvalidSignatureException: 'Host' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      'a signature of another length',
      signedBy((header) => header.slice(0, -1)),
      'InvalidSignatureException: The signature is not 64 hexadecimal digits.',
    ],
  ])('%s', async (_, headers, refusal) => {
    expect(refusalOf(await call('DescribeLogGroups', {}, headers))).toBe(refusal)
  })

  test('nothing at all', async () => {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Logs_20140328.DescribeLogGroups' }
    const response = await fetch(local.url, { method: 'POST', headers, body: '{}' })
    expect(await response.json()).toEqual({
      __type: 'MissingAuthenticationTokenException',
      message: 'Missing Authentication Token',
    })
  })
})

describe('a body', () => {
  const gzip = { 'content-encoding': 'gzip' }
  test('may be gzip', async () => {
    const answer = await call('CreateLogGroup', gzipSync('{"logGroupName":"by-gzip"}'), gzip)
    expect(refusalOf(answer)).toBe('ok')
    expect(local.store.groups.has('by-gzip')).toBe(true)
  })

  test.each<[string, unknown, Record<string, string>, RegExp]>([
    ['that is no JSON', '{"a":', {}, /^SerializationException: The body is not JSON: /],
    ['that is a list', '[]', {}, /^SerializationException: 'the request' must be a structure, not a list$/],
    ['that is no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), {}, /^SerializationException: The body is not UTF-8\.$/],
    ['that is not the gzip it says', '{}', gzip, /^SerializationException: The body is not gzip: /],
    [
      'that is half a gzip',
      gzipSync('{"logGroupName":"half"}').subarray(0, 20),
      gzip,
      /^SerializationException: The body is not gzip: /,
    ],
    [
      'in another encoding',
      '{}',
      { 'content-encoding': 'br' },
      /^SerializationException: Content-Encoding 'br' is not supported/,
    ],
    [
      'over the limit',
      ' '.repeat(8 * 1024 * 1024 + 1),
      {},
      /^RequestEntityTooLargeException: The body is over 8388608 bytes\.$/,
    ],
    [
      'over the limit once it is inflated',
      gzipSync(' '.repeat(8 * 1024 * 1024 + 1)),
      gzip,
      /^RequestEntityTooLargeException/,
    ],
  ])('%s is refused', async (_, body, headers, refusal) => {
    expect(refusalOf(await call('DescribeLogGroups', body, headers))).toMatch(refusal)
  })

  test('of the largest possible put is accepted, with each character escaped', async () => {
    const [logGroupName, logStreamName] = ['largest', 's']
    await call('CreateLogGroup', { logGroupName })
    await call('CreateLogStream', { logGroupName, logStreamName })
    const message = '\u0001'.repeat(1_048_550)
    const logEvents = [{ timestamp: Date.now(), message }]
    expect(refusalOf(await call('PutLogEvents', { logGroupName, logStreamName, logEvents }))).toBe('ok')
    expect(local.events('largest', 's')[0]?.message).toBe(message)
  })
})

test('a defect is a 500 and is logged, and the next request is served', async () => {
  const defects: unknown[] = []
  const broken = await startCloudWatchLocal({
    quotas: false,
    onDefect: (error) => defects.push(error),
    now: () => {
      throw new Error('no clock')
    },
  })
  try {
    expect(refusalOf(await callCloudWatch(broken.url, 'CreateLogGroup', { logGroupName: 'g' }))).toBe(
      'InternalFailure: cloudwatch_local has a defect; see its log.',
    )
    expect(String(defects)).toBe('Error: no clock')
    expect(refusalOf(await callCloudWatch(broken.url, 'DescribeLogGroups', {}))).toBe('ok')
  } finally {
    await broken.close()
  }
})

test('a client that goes away in the middle of its request is no defect', async () => {
  const defects: unknown[] = []
  const server = await startCloudWatchLocal({ onDefect: (error) => defects.push(error) })
  try {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
    await once(socket, 'connect')
    socket.destroy()
    expect(refusalOf(await callCloudWatch(server.url, 'DescribeLogGroups', {}))).toBe('ok')
  } finally {
    await server.close()
  }
  expect(defects).toEqual([])
})
