import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Outcome } from '../../src/accounting/outcome.ts'
import { jsonOf, logsOf, runReceiver, type Running } from '../unit/receivers/otlp/running-receiver.ts'

// What OTLP 1.11 asks of a server, one case each: what is sent, and what comes back. Clients are real: fetch and grpc-js.

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
const LIMIT = 10_000

const logs = logsOf('a', 'b')
const json = jsonOf('a', 'b')
const large = logsOf('x'.repeat(LIMIT))
const bomb = gzipSync(logsOf('x'.repeat(5_000_000)))
const truncated = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, bytes.length - 3))
const withTrail = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from('trail')])

const retry = (afterMs: number): Outcome => ({ kind: 'retry', cause: 'budget_full', afterMs, message: 'full' })
const refused = (cause: 'unauthenticated' | 'permission_denied'): Outcome => ({ kind: 'refused', cause, message: 'no' })
const partial: Outcome = { kind: 'accepted', records: 2, rejected: 1, message: '1 too old' }
const warning: Outcome = { kind: 'accepted', records: 2, rejected: 0, message: '1 cut' }

/** A google.rpc.Status in JSON. */
const statusJson = (code: number, message: string, ...details: object[]) =>
  JSON.stringify({ code, message, ...(details.length > 0 && { details }) })
const badRequest = (field: string, description: string) => ({
  '@type': 'type.googleapis.com/google.rpc.BadRequest',
  fieldViolations: [{ field, description }],
})
const retryInfo = (retryDelay: string) => ({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay })

const tooLarge =
  `the request is larger than ${LIMIT} bytes (protocols.http.max_request_body_size), before or after ` +
  'decompression: send smaller batches'
const corrupt = (encoding: string) => `the body is not valid ${encoding}, ends too early, or has trailing data`
const notLogs = (signal: string) =>
  `this server takes logs, not ${signal}: set OTEL_EXPORTER_OTLP_LOGS_ENDPOINT instead of OTEL_EXPORTER_OTLP_ENDPOINT`

interface HttpCase {
  readonly says: string
  readonly method?: string
  readonly path?: string
  readonly type?: string
  readonly encoding?: string
  readonly body?: string | Uint8Array<ArrayBuffer>
  /** Answer of the pipeline. Default: it accepts. */
  readonly outcome?: Outcome
  readonly status: number
  readonly answer?: string
  readonly headers?: Record<string, string>
  /** What reaches the pipeline. */
  readonly delivered?: string[]
}

const inProtobuf = { type: PROTOBUF, body: logs, delivered: ['a', 'b'] }
const inJson = { type: JSON_TYPE, body: json, delivered: ['a', 'b'] }

const HTTP: readonly HttpCase[] = [
  { says: 'protobuf', ...inProtobuf, status: 200, answer: '' },
  { says: 'JSON', ...inJson, status: 200, answer: '{}' },
  { says: 'JSON with a charset', ...inJson, type: 'Application/JSON; charset=utf-8', status: 200, answer: '{}' },
  { says: 'a query in the path', ...inProtobuf, path: '/v1/logs?x=1', status: 200 },

  { says: 'no byte of protobuf', type: PROTOBUF, body: new Uint8Array(0), status: 200, answer: '' },
  { says: 'JSON without a record', type: JSON_TYPE, body: '{}', status: 200, answer: '{}' },
  { says: 'no byte in gzip', type: PROTOBUF, body: new Uint8Array(0), encoding: 'gzip', status: 200, answer: '' },
  { says: 'gzip of nothing', type: PROTOBUF, body: gzipSync(''), encoding: 'gzip', status: 200 },

  { says: 'gzip', ...inProtobuf, body: gzipSync(logs), encoding: 'gzip', status: 200 },
  { says: 'gzip in two members', ...inProtobuf, body: twoMembers(), encoding: 'gzip', status: 200 },
  { says: 'zstd', ...inProtobuf, body: zstdCompressSync(logs), encoding: 'zstd', status: 200 },
  { says: 'deflate', ...inProtobuf, body: deflateSync(logs), encoding: 'deflate', status: 200 },
  { says: 'JSON in gzip', ...inJson, body: gzipSync(json), encoding: 'GZIP', status: 200, answer: '{}' },
  { says: 'identity', ...inProtobuf, encoding: 'identity', status: 200 },
  {
    says: 'an encoding that is not there',
    ...inJson,
    encoding: 'br',
    delivered: [],
    status: 415,
    headers: { 'accept-encoding': 'identity, gzip, zstd, deflate, zlib, snappy, x-snappy-framed' },
    answer: statusJson(
      12,
      'the encoding "br" is not supported: send identity, gzip, zstd, deflate, zlib, snappy, x-snappy-framed',
    ),
  },
  { says: 'one encoding inside another', ...inJson, encoding: 'gzip, gzip', delivered: [], status: 415 },
  ...(['gzip', 'zstd', 'deflate'] as const).flatMap((encoding) => {
    const compress = { gzip: gzipSync, zstd: zstdCompressSync, deflate: deflateSync }[encoding]
    const refusedFor = (says: string, body: Uint8Array<ArrayBuffer>): HttpCase => ({
      says: `${encoding} ${says}`,
      type: JSON_TYPE,
      encoding,
      body,
      status: 400,
      answer: statusJson(3, corrupt(encoding), badRequest('', corrupt(encoding))),
    })
    return [
      refusedFor('that ends too early', truncated(compress(json))),
      refusedFor('with bytes behind its end', withTrail(compress(json))),
      refusedFor('that is none', Buffer.from(json)),
    ]
  }),

  { says: 'a body over the limit', type: JSON_TYPE, body: large, status: 413, answer: statusJson(8, tooLarge) },
  {
    says: 'a body over the limit once decompressed',
    type: JSON_TYPE,
    body: gzipSync(large),
    encoding: 'gzip',
    status: 413,
    answer: statusJson(8, tooLarge),
  },
  { says: 'a bomb', type: PROTOBUF, body: bomb, encoding: 'gzip', status: 413 },

  {
    says: 'protobuf that is malformed',
    type: PROTOBUF,
    body: truncated(logs),
    status: 400,
    headers: { 'content-type': PROTOBUF },
  },
  {
    says: 'JSON that is malformed',
    type: JSON_TYPE,
    body: '{"resourceLogs":[{"scopeLogs":5}]}',
    status: 400,
    answer: statusJson(
      3,
      '$.resourceLogs[0].scopeLogs: expected a list, not a number',
      badRequest('$.resourceLogs[0].scopeLogs', '$.resourceLogs[0].scopeLogs: expected a list, not a number'),
    ),
  },
  {
    says: 'snake_case',
    type: JSON_TYPE,
    body: json.replace('resourceLogs', 'resource_logs'),
    status: 400,
    answer: statusJson(
      3,
      '$: "resource_logs" is not a field of OTLP/JSON, which spells it "resourceLogs": write "resourceLogs"',
      badRequest(
        '$',
        '$: "resource_logs" is not a field of OTLP/JSON, which spells it "resourceLogs": write "resourceLogs"',
      ),
    ),
  },
  { says: 'no byte of JSON', type: JSON_TYPE, body: '', status: 400 },

  {
    says: 'another content type',
    type: 'text/plain',
    body: 'hello',
    status: 415,
    headers: { 'content-type': JSON_TYPE },
    answer: statusJson(
      12,
      'the content type "text/plain" is not an OTLP type: send application/x-protobuf or application/json',
    ),
  },
  {
    says: 'another method',
    method: 'GET',
    status: 405,
    headers: { allow: 'POST', 'content-type': JSON_TYPE },
    answer: statusJson(12, 'GET is not an OTLP/HTTP method: send POST'),
  },
  { says: 'OPTIONS where CORS is off', method: 'OPTIONS', status: 405 },
  {
    says: 'another path',
    path: '/logs',
    type: JSON_TYPE,
    body: json,
    status: 404,
    answer: statusJson(12, 'there is nothing at "/logs": send logs to /v1/logs'),
  },
  {
    says: 'traces',
    path: '/v1/traces',
    type: JSON_TYPE,
    body: '{}',
    status: 404,
    answer: statusJson(12, notLogs('traces')),
  },
  {
    says: 'metrics',
    path: '/v1/metrics',
    type: PROTOBUF,
    body: logs,
    status: 404,
    headers: { 'content-type': PROTOBUF },
  },

  {
    says: 'records of which some are rejected',
    ...inJson,
    outcome: partial,
    status: 200,
    answer: '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"1 too old"}}',
  },
  {
    says: 'records that are taken with a warning',
    ...inJson,
    outcome: warning,
    status: 200,
    answer: '{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"1 cut"}}',
  },
  {
    says: 'records when the buffers are full',
    ...inJson,
    outcome: retry(1_500),
    status: 503,
    headers: { 'retry-after': '2', 'content-type': JSON_TYPE },
    answer: statusJson(14, 'full', retryInfo('1.500s')),
  },
  { says: 'a retry at once', ...inProtobuf, outcome: retry(0), status: 503, headers: { 'retry-after': '1' } },
  {
    says: 'an unknown sender',
    ...inJson,
    outcome: refused('unauthenticated'),
    status: 401,
    answer: statusJson(16, 'no'),
  },
  {
    says: 'a forbidden sender',
    ...inJson,
    outcome: refused('permission_denied'),
    status: 403,
    answer: statusJson(7, 'no'),
  },
]

function twoMembers(): Uint8Array<ArrayBuffer> {
  return Buffer.concat([gzipSync(logs.subarray(0, 5)), gzipSync(logs.subarray(5))])
}

describe('OTLP/HTTP', () => {
  test.each(HTTP)(
    '$says: $status',
    async ({ method = 'POST', path = '/v1/logs', type, encoding, body, ...expected }) => {
      const { http, next, budget } = await runReceiver({ http: { max_request_body_size: LIMIT } })
      next.outcome = expected.outcome
      const send = () =>
        fetch(`http://127.0.0.1:${http}${path}`, {
          method,
          headers: {
            ...(type !== undefined && { 'content-type': type }),
            ...(encoding !== undefined && { 'content-encoding': encoding }),
          },
          ...(body !== undefined && { body }),
        })
      const response = await send()
      expect(response.status).toBe(expected.status)
      if (expected.answer !== undefined) expect(await response.text()).toBe(expected.answer)
      else await response.arrayBuffer()
      if (response.status === 200) expect(response.headers.get('content-type')).toBe(type?.toLowerCase().split(';')[0])
      expect(Object.fromEntries(response.headers)).toMatchObject(expected.headers ?? {})
      if (response.status === 503 || response.status === 200) expect(next.bodies).toEqual(expected.delivered ?? [])

      // Whatever it was, the server goes on, and nothing is left in the buffers.
      expect((await send()).status).toBe(expected.status)
      expect(budget.used).toBe(0)
    },
  )
})

const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'

/** Calls a method with ready bytes, as an OTLP client's generated code would. */
function call(
  { grpc }: Running,
  body: Uint8Array,
  {
    path = LOGS,
    metadata = {},
    options = {},
  }: { path?: string; metadata?: Record<string, string>; options?: object } = {},
): Promise<{ answer: Buffer } | { error: ServiceError }> {
  const client = new Client(`127.0.0.1:${grpc}`, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    'grpc.enable_retries': 0,
    ...options,
  })
  onTestFinished(() => client.close())
  const headers = new Metadata()
  for (const [name, value] of Object.entries(metadata)) headers.set(name, value)
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.from(body),
      headers,
      (error, answer) => resolve(error === null ? { answer: answer ?? Buffer.alloc(0) } : { error }),
    )
  })
}

interface GrpcCase {
  readonly says: string
  readonly path?: string
  readonly body: Uint8Array
  readonly options?: object
  readonly outcome?: Outcome
  readonly code: number
  readonly details?: string
  /** Hex of the response message. */
  readonly answer?: string
  readonly retryInfo?: boolean
  readonly delivered?: string[]
}

const gzip = { 'grpc.default_compression_algorithm': 2 }
const deflate = { 'grpc.default_compression_algorithm': 1 }
const service = (name: string) => `/opentelemetry.proto.collector.${name}/Export`

const GRPC: readonly GrpcCase[] = [
  { says: 'records', body: logs, code: 0, answer: '', delivered: ['a', 'b'] },
  { says: 'records in gzip', body: logs, options: gzip, code: 0, delivered: ['a', 'b'] },
  { says: 'records in deflate', body: logs, options: deflate, code: 0, delivered: ['a', 'b'] },
  { says: 'no byte', body: new Uint8Array(0), code: 0, answer: '' },
  {
    says: 'records of which some are rejected',
    body: logs,
    outcome: partial,
    code: 0,
    answer: `0a0d08011209${Buffer.from('1 too old').toString('hex')}`,
    delivered: ['a', 'b'],
  },
  {
    says: 'records when the buffers are full',
    body: logs,
    outcome: retry(1_500),
    code: status.UNAVAILABLE,
    details: 'full',
    retryInfo: true,
    delivered: ['a', 'b'],
  },
  { says: 'malformed bytes', body: truncated(logs), code: status.INVALID_ARGUMENT },
  { says: 'a message over the limit', body: Buffer.alloc(1024 * 1024 + 1), code: status.RESOURCE_EXHAUSTED },
  {
    says: 'a bomb',
    body: logsOf('x'.repeat(5_000_000)),
    options: gzip,
    code: status.RESOURCE_EXHAUSTED,
    details:
      'the request is larger than 1048576 bytes (protocols.grpc.max_recv_msg_size_mib), before or after ' +
      'decompression: send smaller batches',
  },
  {
    says: 'an unknown sender',
    body: logs,
    outcome: refused('unauthenticated'),
    code: status.UNAUTHENTICATED,
    delivered: ['a', 'b'],
  },
  ...(['traces', 'metrics', 'profiles'] as const).map((signal) => ({
    says: signal,
    path: service(
      {
        traces: 'trace.v1.TraceService',
        metrics: 'metrics.v1.MetricsService',
        profiles: 'profiles.v1development.ProfilesService',
      }[signal],
    ),
    body: logs,
    code: status.UNIMPLEMENTED,
    details: notLogs(signal),
  })),
  { says: 'an unknown method', path: '/some.Service/Method', body: logs, code: status.UNIMPLEMENTED },
]

describe('OTLP/gRPC', () => {
  test.each(GRPC)('$says: code $code', async ({ path, body, options, ...expected }) => {
    const running = await runReceiver({ grpc: { max_recv_msg_size_mib: 1 } })
    running.next.outcome = expected.outcome
    const sent = { ...(path !== undefined && { path }), ...(options !== undefined && { options }) }
    const result = await call(running, body, sent)
    if ('answer' in result) {
      expect(expected.code).toBe(0)
      if (expected.answer !== undefined) expect(result.answer.toString('hex')).toBe(expected.answer)
    } else {
      expect(result.error.code).toBe(expected.code)
      if (expected.details !== undefined) expect(result.error.details).toBe(expected.details)
      const [details] = result.error.metadata.get('grpc-status-details-bin')
      expect(String(details).includes('google.rpc.RetryInfo')).toBe(expected.retryInfo === true)
    }
    expect(running.next.requests.length > 0 && expected.code !== 3 ? running.next.bodies : []).toEqual(
      expected.delivered ?? [],
    )
    // Whatever it was, the next call is served, and nothing is left in the buffers.
    running.next.outcome = undefined
    expect(await call(running, logs)).toHaveProperty('answer')
    expect(running.budget.used).toBe(0)
  })
})
