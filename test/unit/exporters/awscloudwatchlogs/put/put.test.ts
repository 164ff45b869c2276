import { gunzipSync } from 'node:zlib'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { expect, test } from 'vitest'
import { countedBytes, heldBytes } from '../../../../../src/delivery/contract/items.ts'
import { makePack } from '../../../../../src/delivery/contract/pack.ts'
import { QueuedBatch } from '../../../../../src/delivery/contract/queue.ts'
import { Calls } from '../../../../../src/exporters/awscloudwatchlogs/aws/calls.ts'
import { ALONE } from '../../../../../src/component/siblings.ts'
import { destination } from '../../../../../src/exporters/awscloudwatchlogs/route/destination.ts'
import { Provisioner } from '../../../../../src/exporters/awscloudwatchlogs/provision/provisioner.ts'
import { PutLogEvents } from '../../../../../src/exporters/awscloudwatchlogs/put/put.ts'
import { silentLogger } from '../../../../../src/telemetry/logger.ts'
import { recordsRequest } from '../../../../fakes/logs-request.ts'
import { NOW_MS, transcoder } from '../event/transcode-request.ts'

interface Sent {
  readonly headers: Record<string, string>
  readonly body: Buffer
}

/** A PutLogEvents over the SDK's client, whose requests go nowhere and are answered with `answer`. */
function sending(answer: object, compression: 'none' | 'gzip' = 'none') {
  const sent: Sent[] = []
  const client = new CloudWatchLogsClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    requestHandler: {
      handle: async ({ headers, body }: Sent) => {
        // The body is lent: its buffer is used again.
        sent.push({ headers, body: Buffer.from(body) })
        const response = {
          statusCode: 200,
          headers: { 'x-amzn-requestid': 'id' },
          body: Buffer.from(JSON.stringify(answer)),
        }
        return { response }
      },
    },
  })
  const aws = async () => new Calls(client)
  const provisioner = new Provisioner(
    aws,
    {
      retentionDays: 0,
      tags: undefined,
      createGroups: true,
      createStreams: true,
      groupRules: [],
      share: 1,
      once: (...wanted) => ALONE.once(...wanted),
      account: 'account',
      backoff: { initialMs: 200, multiplier: 1.5, maxMs: 30_000 },
    },
    silentLogger,
  )
  const scopes = { endpoint: 'endpoint', credential: 'credential', account: 'account' }
  return {
    sender: new PutLogEvents(aws, provisioner, { compression, concurrency: 1, scopes, entityRejected: () => {} }),
    sent,
  }
}

function packOf(...bodies: string[]) {
  const { routed } = transcoder().transcode(recordsRequest(...bodies.map((body) => ({ body }))), NOW_MS)
  const items = routed[0]?.items
  if (items === undefined) throw new Error('nothing to send')
  const batch = new QueuedBatch(items, items.count, countedBytes(items), heldBytes(items), NOW_MS)
  return makePack([{ batch, from: 0, to: items.count }])
}

const TARGET = destination('/the "group', 'a\\stream')
const never = new AbortController().signal

test('the body is a PutLogEvents request, and its headers match it', async () => {
  const { sender, sent } = sending({ nextSequenceToken: 't' })
  expect(await sender.put(TARGET, packOf('say "hi"', 'é'), never)).toEqual({ kind: 'accepted', rejected: [] })
  const [{ headers, body } = { headers: {}, body: Buffer.alloc(0) }] = sent
  expect(JSON.parse(body.toString())).toEqual({
    logGroupName: '/the "group',
    logStreamName: 'a\\stream',
    logEvents: [
      { timestamp: NOW_MS, message: '{"body":"say \\"hi\\""}' },
      { timestamp: NOW_MS, message: '{"body":"é"}' },
    ],
  })
  expect(headers).toMatchObject({
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': 'Logs_20140328.PutLogEvents',
    'content-length': String(body.length),
  })
  expect(headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\//)
  expect(sender.bytesSent).toBe(body.length)
})

test('a shorter body in a reused buffer has nothing of the previous longer one', async () => {
  const { sender, sent } = sending({})
  await sender.put(TARGET, packOf('long '.repeat(100)), never)
  await sender.put(TARGET, packOf('short'), never)
  expect(JSON.parse(sent[1]?.body.toString() ?? '')).toMatchObject({ logEvents: [{ message: '{"body":"short"}' }] })
})

test('gzip is announced, measured and signed as it is sent', async () => {
  const { sender, sent } = sending({}, 'gzip')
  await sender.put(TARGET, packOf('again '.repeat(1_000)), never)
  const [{ headers, body } = { headers: {}, body: Buffer.alloc(0) }] = sent
  expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(body.length) })
  expect(JSON.parse(gunzipSync(body).toString())).toHaveProperty('logEvents')
  expect(sender.bytesSent).toBe(body.length)
})

test('events that CloudWatch did not keep are named by their place', async () => {
  const { sender } = sending({ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 2 } })
  expect(await sender.put(TARGET, packOf('a', 'b', 'c'), never)).toEqual({
    kind: 'accepted',
    rejected: [
      { from: 0, to: 1, reason: 'too_old' },
      { from: 2, to: 3, reason: 'too_new' },
    ],
  })
})

test('an entity that is not accepted is counted; its events are stored', async () => {
  const { sender } = sending({ rejectedEntityInfo: { errorType: 'InvalidAttributes' } })
  expect(await sender.put(TARGET, packOf('a'), never)).toEqual({ kind: 'accepted', rejected: [] })
  expect(sender.entitiesRejected).toBe(1)
})

test('destinations of one group share its scope, and all share the rest', () => {
  const { sender } = sending({})
  expect(sender.scopes(destination('g', 'one'))).toEqual(sender.scopes(destination('g', 'two')))
  expect(sender.scopes(destination('g', 's')).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'endpoint endpoint',
    'credential credential',
    'account account',
    'group g',
  ])
})
