import { expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import type { LogsRequest } from '../../../../src/component/consumer.ts'
import { nopExporter } from '../../../../src/exporters/nop/index.ts'
import { jsonToProtobuf } from '../../../../src/otlp/json-to-protobuf.ts'
import { silentLogger } from '../../../../src/telemetry/logger.ts'
import { Registry } from '../../../../src/telemetry/registry.ts'
import { ProtobufWriter } from '../../../../src/wire/protobuf-writer.ts'

function createNop(metrics = new Registry()) {
  return nopExporter.create({
    id: { type: 'nop', name: '' },
    config: nopExporter.config.parse({}),
    logger: silentLogger,
    metrics,
    budget: new ByteBudget(1),
    build: { name: 'test', version: '0' },
    shape: {},
    siblings: ALONE,
  })
}

function requestOf(bytes: Uint8Array): LogsRequest {
  return { bytes, receivedAtMs: 0, metadata: undefined }
}

function threeRecords(): Uint8Array {
  const writer = new ProtobufWriter()
  const json = { resourceLogs: [{ scopeLogs: [{ logRecords: [{}, {}, {}] }] }] }
  jsonToProtobuf(Buffer.from(JSON.stringify(json)), writer)
  return writer.view()
}

test('nop accepts every record of a well-formed request and counts it as delivered', () => {
  const exporter = createNop()
  const reservation = exporter.reserve(requestOf(threeRecords()))
  if (reservation.kind !== 'reserved') expect.fail(reservation.message)
  const outcomes: unknown[] = []
  reservation.commit({
    queued: (failure) => outcomes.push(['queued', failure]),
    settled: (settlement, records) => outcomes.push([settlement.kind, records]),
  })
  expect(reservation.records).toBe(3)
  expect(outcomes).toEqual([
    ['queued', undefined],
    ['delivered', 3],
  ])
  expect(exporter.ledger).toMatchObject({ received: 3, queued: 0, delivered: 3 })
})

test('nop has received nothing when the reservation is released', () => {
  const exporter = createNop()
  const reservation = exporter.reserve(requestOf(threeRecords()))
  if (reservation.kind !== 'reserved') expect.fail(reservation.message)
  reservation.release()
  expect(exporter.ledger?.received).toBe(0)
})

test('nop refuses malformed bytes, as the real exporter does', () => {
  expect(createNop().reserve(requestOf(threeRecords().subarray(0, 4)))).toMatchObject({
    kind: 'refused',
    cause: 'malformed',
    message: expect.stringContaining('at byte') as string,
  })
})

test('nop is in /metrics from start to shutdown', async () => {
  const metrics = new Registry()
  const exporter = createNop(metrics)
  await exporter.start({ extension: () => undefined, fatal: (error) => expect.fail(error.message) })
  expect(metrics.render()).toContain('otelcol_exporter_sent_log_records{exporter="nop"} 0')
  await exporter.shutdown(AbortSignal.abort())
  expect(metrics.render()).toBe('')
})
