// Requests like those of an instrumented service: 8 attributes and 10 resource attributes a record. Serialized once and then
// stamped for each sending: every record with an id of its own, `@@` and ten digits in its body, and the current time.

import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { bodyOf } from './bodies.ts'
import { ID_DIGITS, ID_MARK, NO_ID } from './ids.ts'
import type { Traffic } from '../rows.ts'

/** Stands for the time of a record until it is sent: seconds and nanoseconds that occur nowhere else. */
const TIME: readonly [number, number] = [1_111_111_111, 222_222_222]
const TIME_DIGITS = TIME.join('')
const ZERO = 48

export class Template {
  readonly records: number
  readonly #bytes: Buffer
  readonly #ids: readonly number[]
  readonly #times: readonly number[]
  readonly #json: boolean

  constructor(batch: readonly ReadableLogRecord[], json: boolean) {
    const serializer = json ? JsonLogsSerializer : ProtobufLogsSerializer
    const bytes = serializer.serializeRequest([...batch])
    if (bytes === undefined) throw new Error('the example could not be serialized')
    this.#bytes = Buffer.from(bytes)
    this.#json = json
    this.#ids = placesOf(this.#bytes, Buffer.from(NO_ID)).map((at) => at + ID_MARK.length)
    this.#times = placesOf(this.#bytes, json ? Buffer.from(TIME_DIGITS) : fixed64(BigInt(TIME_DIGITS)))
    this.records = batch.length
    if (this.#ids.length !== this.records) throw new Error(`${this.#ids.length} ids in ${this.records} records`)
    if (this.#times.length !== 2 * this.records)
      throw new Error(`${this.#times.length} times in ${this.records} records`)
  }

  /** A copy in which the records have ids from `firstId` on and the time `nowMs`. */
  stamp(firstId: number, nowMs: number): Buffer {
    const bytes = Buffer.from(this.#bytes)
    const nanos = BigInt(nowMs) * 1_000_000n
    const time = this.#json ? Buffer.from(nanos.toString()) : fixed64(nanos)
    for (const at of this.#times) time.copy(bytes, at)
    let id = firstId
    for (const at of this.#ids) {
      let rest = id++
      for (let digit = at + ID_DIGITS - 1; digit >= at; digit--) {
        bytes[digit] = ZERO + (rest % 10)
        rest = Math.floor(rest / 10)
      }
    }
    return bytes
  }
}

/** One of each request of the traffic, to be sent in turn. */
export function templates(traffic: Traffic, json: boolean): Template[] {
  const { sizes, resources, streams, bodies } = traffic
  return Array.from({ length: Math.max(sizes.length, Math.ceil(streams / resources)) }, (_, turn) => {
    const owners = Array.from({ length: resources }, (_, i) => resource((turn * resources + i) % streams))
    const size = sizes[turn % sizes.length] ?? 0
    return new Template(
      Array.from({ length: size }, (_, i) => record(i, owners[i % resources], bodyOf(bodies, i))),
      json,
    )
  })
}

/** A request of `records` records into one stream. */
export function exampleRequest(records: number): Buffer {
  return new Template(exampleRecords(records), false).stamp(0, Date.now())
}

/** As the SDK hands them to an exporter. */
export function exampleRecords(records: number): ReadableLogRecord[] {
  const owner = resource(0)
  return Array.from({ length: records }, (_, i) => record(i, owner, bodyOf('short', i)))
}

// One object, as in an SDK: the serializer groups records by it.
const SCOPE = { name: 'checkout.orders', version: '1.4.0' }

function resource(stream: number): object {
  return {
    attributes: {
      'service.name': 'checkout',
      'service.version': '2.14.3',
      'service.instance.id': `0f5b7d6e-52c1-4a8e-9b57-1a3f8d${stream.toString().padStart(6, '0')}`,
      'deployment.environment.name': 'production',
      'k8s.namespace.name': 'shop',
      'k8s.pod.name': 'checkout-7d9c6b5f4-x2x9k',
      'k8s.node.name': 'ip-10-0-12-34.eu-central-1.compute.internal',
      'cloud.region': 'eu-central-1',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'opentelemetry',
    },
  }
}

function record(i: number, owner: object | undefined, body: unknown): ReadableLogRecord {
  return {
    hrTime: TIME,
    hrTimeObserved: TIME,
    severityNumber: 9,
    severityText: 'INFO',
    body,
    attributes: {
      'http.request.method': 'POST',
      'url.path': '/api/v1/orders',
      'http.response.status_code': 201,
      'http.route': '/api/v1/orders',
      'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64)',
      'order.total': 149.9,
      'order.express': i % 2 === 0,
      'order.id': i,
    },
    resource: owner,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    spanContext: { traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '0102030405060708', traceFlags: 1 },
  } as unknown as ReadableLogRecord
}

function placesOf(bytes: Buffer, sought: Buffer): number[] {
  const places: number[] = []
  for (let at = bytes.indexOf(sought); at >= 0; at = bytes.indexOf(sought, at + sought.length)) places.push(at)
  return places
}

function fixed64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
