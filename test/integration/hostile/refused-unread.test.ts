// A request that finds the byte budget full is refused by its head: reading, decompressing and mapping it cost most of what
// taking it costs. The body is not what its head announces: a receiver that reads it answers 400.
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { recordsRequest } from '../../fakes/logs-request.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { grpcSender, httpSender, type Send, sendUntilTaken } from '../daemon/daemon-senders.ts'
import { type Daemon, startDaemon } from '../daemon/daemon.ts'

const BUDGET_MIB = 16
const RECORDS = 200
/** Refusals in a row after which a kind of request finds no room for good: nothing is delivered meanwhile. */
const FULL_AFTER = 25
const PATIENT = { timeout: 60_000, interval: 100 }

/** 200 records of different lengths, as protobuf or as JSON. */
const TEXTS = Array.from({ length: RECORDS }, (_, i) => `${i} ${'some text of a record '.repeat(10 + (i % 20))}`)
const PROTOBUF = Buffer.from(recordsRequest(...TEXTS.map((body) => ({ body }))))
const JSON_TEXT = Buffer.from(
  JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'json' } }] },
        scopeLogs: [{ logRecords: TEXTS.map((text) => ({ body: { stringValue: text } })) }],
      },
    ],
  }),
)

interface Kind {
  readonly name: string
  readonly sender: (daemon: Daemon) => Send
  readonly body: Buffer
}

const json = { 'content-type': 'application/json' }
const gzip = { 'content-encoding': 'gzip' }
const KINDS: readonly Kind[] = [
  { name: 'HTTP', sender: (daemon) => httpSender(daemon), body: PROTOBUF },
  { name: 'HTTP, gzip', sender: (daemon) => httpSender(daemon, gzip), body: gzipSync(PROTOBUF) },
  { name: 'JSON', sender: (daemon) => httpSender(daemon, json), body: JSON_TEXT },
  { name: 'JSON, gzip', sender: (daemon) => httpSender(daemon, { ...json, ...gzip }), body: gzipSync(JSON_TEXT) },
  { name: 'gRPC', sender: (daemon) => grpcSender(daemon), body: PROTOBUF },
]

test(
  'while the byte budget is full, requests are refused unread, and are counted in bytes',
  { timeout: 180_000 },
  async () => {
    const local = await startCloudWatchLocal({ quotas: false })
    onTestFinished(() => local.close())
    const daemon = await startDaemon(
      cloudwatchConfig(local.url, {
        processors: { memory_limiter: { check_interval: '1s', limit_mib: BUDGET_MIB } },
        exporter: { retry_on_failure: { initial_interval: '100ms', max_interval: '1s' } },
      }),
    )
    await local.down()
    let taken = 0
    const senders = KINDS.map((kind) => ({ ...kind, send: kind.sender(daemon) }))
    // The first of each kind shows what it grows to.
    for (const { send, body } of senders) taken += (await send(body)).kind === 'taken' ? 1 : 0
    for (const { send, body } of senders) {
      for (let refusals = 0; refusals < FULL_AFTER;) {
        if ((await send(body)).kind === 'taken') {
          taken++
          refusals = 0
        } else refusals++
      }
    }
    const full = await daemon.metrics()
    expect(full.records('queued')).toBe(taken * RECORDS)

    for (const { name, send, body } of senders) {
      const answer = await send(Buffer.alloc(body.length, 0xff))
      expect.soft(answer, name).toMatchObject({ kind: 'wait', afterMs: expect.any(Number) })
    }

    const metrics = await daemon.metrics()
    const refused = { outcome: 'budget_full', transport: 'http' }
    const overHttp = senders.filter(({ name }) => name !== 'gRPC')
    expect(metrics.value('otlp_cloudwatch_receiver_requests', refused)).toBe(
      full.value('otlp_cloudwatch_receiver_requests', refused) + overHttp.length,
    )
    const bytes = { reason: 'budget_full', transport: 'http' }
    expect(metrics.value('otlp_cloudwatch_receiver_refused_bytes', bytes)).toBe(
      full.value('otlp_cloudwatch_receiver_refused_bytes', bytes) +
        overHttp.reduce((sum, { body }) => sum + body.length, 0),
    )
    expect(metrics.received).toBe(taken * RECORDS)

    await local.up()
    for (const { send, body } of senders) await sendUntilTaken(send, body, () => {})
    await vi.waitUntil(async () => (await daemon.metrics()).records('queued') === 0, PATIENT)
    const drained = await daemon.metrics()
    expect(drained.records('delivered')).toBe((taken + KINDS.length) * RECORDS)
    expect(drained.unaccounted).toBe(0)
    expect(await daemon.stop()).toBe(0)
  },
)
