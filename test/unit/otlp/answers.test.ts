import { describe, expect, test } from 'vitest'
import { ANSWERS, GRPC_CODES } from '../../../src/component/answers.ts'
import type { Accepted, RefusedCause } from '../../../src/accounting/outcome.ts'
import { exportLogsResponse } from '../../../src/otlp/response.ts'
import { encodeStatus, type Status } from '../../../src/otlp/status.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const hexOf = (ascii: string) => Buffer.from(ascii).toString('hex')

describe('the answer to accepted records', () => {
  const accepted = (rejected: number, message: string): Accepted => ({
    kind: 'accepted',
    records: 9,
    rejected,
    message,
  })

  test('has partial_success unset on full success', () => {
    expect(exportLogsResponse(accepted(0, ''), 'protobuf')).toHaveLength(0)
    expect(text(exportLogsResponse(accepted(0, ''), 'json'))).toBe('{}')
  })

  test('counts what was rejected, as a decimal text in JSON', () => {
    expect(hex(exportLogsResponse(accepted(3, 'old'), 'protobuf'))).toBe(`0a0708031203${hexOf('old')}`)
    expect(text(exportLogsResponse(accepted(3, 'old'), 'json'))).toBe(
      '{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"old"}}',
    )
  })

  test('is a warning where nothing was rejected and there is a message', () => {
    expect(text(exportLogsResponse(accepted(0, 'cut'), 'json'))).toBe(
      '{"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"cut"}}',
    )
  })
})

describe('a google.rpc.Status', () => {
  const cases: [string, Status, string][] = [
    ['without details', { code: 13, message: 'm' }, '{"code":13,"message":"m"}'],
    [
      'with the delay before a retry',
      { code: 14, message: 'm', retryAfterMs: 1500 },
      '{"code":14,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.500s"}]}',
    ],
    [
      'with a delay of whole seconds',
      { code: 14, message: 'm', retryAfterMs: 2000 },
      '{"code":14,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]}',
    ],
    [
      'with a delay of a few ms',
      { code: 14, message: 'm', retryAfterMs: 6.2 },
      '{"code":14,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.007s"}]}',
    ],
    [
      'with the field that is wrong',
      { code: 3, message: 'm', violation: { field: '$.a', description: 'd' } },
      '{"code":3,"message":"m","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest",' +
        '"fieldViolations":[{"field":"$.a","description":"d"}]}]}',
    ],
  ]
  test.each(cases)('%s, in JSON', (_, status, json) => expect(text(encodeStatus(status, 'json'))).toBe(json))

  test('in protobuf', () => {
    const status: Status = { code: 14, message: 'm', retryAfterMs: 1500 }
    const retryInfo = '0a0808011080cab5ee01'
    const url = 'type.googleapis.com/google.rpc.RetryInfo'
    const any = `0a${url.length.toString(16)}${hexOf(url)}120a${retryInfo}`
    expect(hex(encodeStatus(status, 'protobuf'))).toBe(`080e12016d1a${(any.length / 2).toString(16)}${any}`)
  })
})

test('refusals for good never get a status that clients retry on, and all others do', () => {
  const forGood: RefusedCause[] = [
    'malformed',
    'invalid',
    'key_reused',
    'key_in_flight',
    'too_large',
    'unsupported_media_type',
    'unsupported_encoding',
    'unauthenticated',
    'permission_denied',
    'not_logs',
  ]
  for (const [cause, { grpc, http }] of Object.entries(ANSWERS)) {
    const retried = [grpc === GRPC_CODES.UNAVAILABLE, [429, 502, 503, 504].includes(http)]
    const expected = !forGood.some((refused) => refused === cause)
    expect([cause, ...retried]).toEqual([cause, expected, expected])
  }
})
