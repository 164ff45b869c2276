import { describe, expect, test } from 'vitest'
import {
  classifyCreation,
  classifyPut,
  rejectedRanges,
} from '../../../../../src/exporters/awscloudwatchlogs/aws/classify.ts'
import { LocalFault } from '../../../../../src/aws/local-fault.ts'
import { NoCredentials } from '../../../../../src/aws/credentials/no-credentials.ts'

/** What the SDK throws: a name, and the status of the answer if there was one. */
function thrown(name: string, status?: number, more: object = {}): Error {
  const metadata = status === undefined ? {} : { $metadata: { httpStatusCode: status } }
  return Object.assign(new Error('the text'), { name, ...metadata, ...more })
}

const LASTING = true

describe('codes of AWS', () => {
  test.each([
    // scope, reason, and whether it will pass by itself
    ['ThrottlingException', 400, 'account', 'throttled', false],
    ['Throttling', 400, 'account', 'throttled', false],
    ['ThrottledException', 400, 'account', 'throttled', false],
    ['RequestThrottled', 400, 'account', 'throttled', false],
    ['RequestThrottledException', 400, 'account', 'throttled', false],
    ['RequestLimitExceeded', 503, 'account', 'throttled', false],
    ['TooManyRequestsException', 429, 'account', 'throttled', false],
    ['SlowDown', 503, 'account', 'throttled', false],
    ['BandwidthLimitExceeded', 509, 'account', 'throttled', false],
    ['ExpiredToken', 400, 'credential', 'credentials_expired', false],
    ['ExpiredTokenException', 400, 'credential', 'credentials_expired', false],
    ['TokenRefreshRequired', 400, 'credential', 'credentials_expired', false],
    ['RequestExpired', 400, 'credential', 'clock_skew', false],
    ['RequestTimeTooSkewed', 403, 'credential', 'clock_skew', false],
    ['RequestInTheFuture', 403, 'credential', 'clock_skew', false],
    ['UnrecognizedClientException', 400, 'credential', 'credentials_invalid', LASTING],
    ['InvalidClientTokenId', 403, 'credential', 'credentials_invalid', LASTING],
    ['InvalidAccessKeyId', 403, 'credential', 'credentials_invalid', LASTING],
    ['IncompleteSignature', 400, 'credential', 'credentials_invalid', LASTING],
    ['IncompleteSignatureException', 400, 'credential', 'credentials_invalid', LASTING],
    ['MissingAuthenticationToken', 403, 'credential', 'credentials_invalid', LASTING],
    ['MissingAuthenticationTokenException', 400, 'credential', 'credentials_invalid', LASTING],
    ['AuthFailure', 403, 'credential', 'credentials_invalid', LASTING],
    ['OptInRequired', 403, 'credential', 'credentials_invalid', LASTING],
    ['CredentialsProviderError', undefined, 'credential', 'credentials_missing', LASTING],
    ['TokenProviderError', undefined, 'credential', 'credentials_missing', LASTING],
    ['AccessDenied', 403, 'group', 'access_denied', LASTING],
    ['AccessDeniedException', 400, 'group', 'access_denied', LASTING],
    ['NotAuthorized', 400, 'group', 'access_denied', LASTING],
    ['UnauthorizedOperation', 403, 'group', 'access_denied', LASTING],
    ['ServiceUnavailable', 503, 'endpoint', 'server_error', false],
    ['ServiceUnavailableException', 503, 'endpoint', 'server_error', false],
    ['InternalFailure', 503, 'endpoint', 'server_error', false],
    ['InternalServerError', 503, 'endpoint', 'server_error', false],
    ['InternalServiceException', 503, 'endpoint', 'server_error', false],
    ['InternalError', 503, 'endpoint', 'server_error', false],
    ['RequestTimeout', 408, 'endpoint', 'server_error', false],
    ['RequestTimeoutException', 408, 'endpoint', 'server_error', false],
    ['OperationAbortedException', 400, 'group', 'conflict', false],
    ['LimitExceededException', 400, 'group', 'quota_exceeded', LASTING],
    // undocumented codes, by their status
    ['SomethingNew', 429, 'account', 'throttled', false],
    ['SomethingNew', 401, 'group', 'access_denied', LASTING],
    ['SomethingNew', 403, 'group', 'access_denied', LASTING],
    ['SomethingNew', 503, 'endpoint', 'server_error', false],
    ['SomethingNew', 599, 'endpoint', 'server_error', false],
    ['SomethingNew', 404, 'group', 'unknown_error', LASTING],
    ['toString', 400, 'group', 'unknown_error', LASTING],
  ] as const)('%s (%s) is retried: a fault of the %s, %s', (name, status, scope, reason, lasting) => {
    expect(classifyPut(thrown(name, status))).toEqual({
      kind: 'retry',
      scope,
      reason,
      lasting,
      afterMs: 0,
      maybeTaken: false,
      message: `${name}: the text`,
    })
  })

  describe.each(['SignatureDoesNotMatch', 'InvalidSignatureException'])('%s', (name) => {
    const answered = (date: number | undefined, more: object = {}) =>
      classifyPut(
        thrown(name, 403, {
          $response: { headers: date === undefined ? {} : { date: new Date(date).toUTCString() } },
          ...more,
        }),
      )
    const wrongSecret = { scope: 'credential', reason: 'credentials_invalid', lasting: true, maybeTaken: false }
    const wrongClock = { scope: 'credential', reason: 'clock_skew', lasting: false, maybeTaken: false }

    test('is the fault of the clock where the answer shows one that is wrong', () => {
      expect(answered(Date.now() - 3_600_000)).toMatchObject(wrongClock)
      expect(answered(Date.now() + 600_000)).toMatchObject(wrongClock)
    })

    test('is the fault of the secret or the Region where it does not, and names both', () => {
      expect(answered(Date.now())).toMatchObject(wrongSecret)
      expect(answered(Date.now() + 240_000)).toMatchObject(wrongSecret)
      expect(answered(undefined)).toMatchObject(wrongSecret)
      expect(answered(Date.now())).toHaveProperty('message', expect.stringMatching(/secret access key .* Region/))
    })

    test('uses the time the call was signed with, not the wrong clock', () => {
      expect(answered(Date.now() - 3_600_000, { signingSkewMs: 900 })).toMatchObject(wrongSecret)
      expect(answered(Date.now(), { signingSkewMs: 3_600_000 })).toMatchObject(wrongClock)
    })
  })

  test.each([500, 502, 504])('after a %i the call may have been carried out', (status) => {
    expect(classifyPut(thrown('InternalFailure', status))).toMatchObject({ scope: 'endpoint', maybeTaken: true })
  })

  test.each([
    'InvalidParameterException',
    'InvalidParameterValue',
    'InvalidParameterCombination',
    'ValidationException',
    'ValidationError',
    'SerializationException',
    'MalformedQueryString',
    'RequestEntityTooLarge',
  ])('%s refuses the request as it stands', (name) => {
    expect(classifyPut(thrown(name, 400))).toEqual({ kind: 'refused', message: `${name}: the text` })
  })

  test('so is a 413 of a proxy', () => {
    expect(classifyPut(thrown('UnknownError', 413)).kind).toBe('refused')
  })

  test('DataAlreadyAccepted means delivered', () => {
    expect(classifyPut(thrown('DataAlreadyAcceptedException', 400))).toEqual({ kind: 'accepted', rejected: [] })
  })

  test('InvalidSequenceToken passes on the expected token', () => {
    const error = thrown('InvalidSequenceTokenException', 400, { expectedSequenceToken: 'abc' })
    expect(classifyPut(error)).toEqual({ kind: 'sequence', expected: 'abc', message: 'the text' })
    expect(classifyPut(thrown('InvalidSequenceTokenException', 400))).toMatchObject({ expected: undefined })
  })

  test('a put has no outcome of a creation, and a creation none of a put', () => {
    const unknown = { kind: 'retry', scope: 'group', reason: 'unknown_error' }
    expect(classifyPut(thrown('ResourceAlreadyExistsException', 400))).toMatchObject(unknown)
    expect(classifyCreation(thrown('DataAlreadyAcceptedException', 400))).toMatchObject(unknown)
    expect(classifyCreation(thrown('InvalidSequenceTokenException', 400))).toMatchObject(unknown)
  })

  test('missing and existing resources are handled by the exporter itself', () => {
    expect(classifyPut(thrown('ResourceNotFoundException', 400))).toEqual({ kind: 'missing', message: 'the text' })
    expect(classifyCreation(thrown('ResourceAlreadyExistsException', 400))).toEqual({ kind: 'exists' })
  })
})

describe('no answer of CloudWatch', () => {
  test.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'EADDRNOTAVAIL',
    'ERR_PROXY_TUNNEL',
    'INVALID_CA',
  ])('with %s nothing was sent', (code) => {
    const outcome = classifyPut(thrown('Error', undefined, { code }))
    expect(outcome).toMatchObject({ scope: 'endpoint', reason: 'network', maybeTaken: false, lasting: false })
    expect(outcome).toHaveProperty('message', `${code}: the text`)
  })

  test.each([
    ['EMFILE', 'connect'],
    ['EPERM', 'connect'],
    ['ETIMEDOUT', 'connect'],
    ['ESERVFAIL', 'getaddrinfo'],
  ])('with %s of %s nothing was sent', (code, syscall) => {
    expect(classifyPut(thrown('Error', undefined, { code, syscall }))).toMatchObject({
      reason: 'network',
      maybeTaken: false,
    })
  })

  test.each([
    ['TypeError', 'ERR_INVALID_CHAR'],
    ['SystemError', 'ERR_SYSTEM_ERROR'],
    ['TypeError', 'ERR_INVALID_URL'],
    ['TypeError', 'ERR_PROXY_INVALID_CONFIG'],
  ])('%s %s is a setting that is wrong: nothing was sent', (name, code) => {
    expect(classifyPut(thrown(name, undefined, { code }))).toMatchObject({
      scope: 'endpoint',
      reason: 'configuration',
      lasting: true,
      maybeTaken: false,
      message: `nothing was sent, a setting is wrong: ${code}: the text`,
    })
  })

  test('so are failures before the connection is requested', () => {
    expect(classifyPut(new LocalFault(thrown('EndpointError')))).toMatchObject({
      reason: 'configuration',
      maybeTaken: false,
      message: 'nothing was sent, a setting is wrong: EndpointError: the text',
    })
  })

  test.each([
    ['Error', 'ECONNRESET', 'network'],
    ['Error', 'EPIPE', 'network'],
    ['TimeoutError', undefined, 'timeout'],
    ['AbortError', undefined, 'timeout'],
    ['Error', undefined, 'network'],
  ])('%s %s may have been taken', (name, code, reason) => {
    const outcome = classifyPut(thrown(name, undefined, code === undefined ? {} : { code }))
    expect(outcome).toMatchObject({ scope: 'endpoint', reason, maybeTaken: true, lasting: false })
  })

  test('a 200 that is not JSON is the page of a proxy', () => {
    const outcome = classifyPut(thrown('SyntaxError', 200))
    expect(outcome).toMatchObject({ kind: 'retry', scope: 'endpoint', reason: 'garbage_answer', maybeTaken: true })
  })

  test.each([undefined, null, 'text', 7, {}])('%j thrown is a fault too, not a crash', (thrownValue) => {
    expect(classifyPut(thrownValue)).toMatchObject({ kind: 'retry', scope: 'endpoint' })
  })
})

describe('what the answer requests', () => {
  test.each([
    ['3', 3_000],
    ['0.5', 500],
    ['86400', 60_000], // a day would park a lane for good
    ['-1', 0],
    ['soon', 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
    [undefined, 0],
  ])('Retry-After %s waits %i ms', (header, afterMs) => {
    const error = thrown('ServiceUnavailableException', 503, { $response: { headers: { 'retry-after': header } } })
    expect(classifyPut(error)).toMatchObject({ afterMs })
  })

  test('an error text is one line of a bounded length', () => {
    const error = Object.assign(new Error(`${'x'.repeat(10_000)}\nstack`), { name: 'AccessDeniedException' })
    const outcome = classifyPut(error)
    expect('message' in outcome ? outcome.message.length : 0).toBeLessThan(600)
  })
})

describe('rejectedLogEventsInfo of ten events', () => {
  test.each([
    ['nothing', {}, []],
    ['an end of 0, which says nothing', { tooOldLogEventEndIndex: 0, expiredLogEventEndIndex: 0 }, []],
    ['too old, end exclusive', { tooOldLogEventEndIndex: 3 }, [[0, 3, 'too_old']]],
    ['expired, end exclusive', { expiredLogEventEndIndex: 3 }, [[0, 3, 'expired_retention']]],
    ['too new, start inclusive', { tooNewLogEventStartIndex: 8 }, [[8, 10, 'too_new']]],
    ['a start at the end', { tooNewLogEventStartIndex: 10 }, []],
    [
      'expired beyond too old',
      { tooOldLogEventEndIndex: 2, expiredLogEventEndIndex: 5 },
      [
        [0, 2, 'too_old'],
        [2, 5, 'expired_retention'],
      ],
    ],
    ['expired within too old', { tooOldLogEventEndIndex: 5, expiredLogEventEndIndex: 2 }, [[0, 5, 'too_old']]],
    ['both at one place', { tooOldLogEventEndIndex: 4, expiredLogEventEndIndex: 4 }, [[0, 4, 'too_old']]],
    [
      'all three',
      { tooOldLogEventEndIndex: 1, expiredLogEventEndIndex: 2, tooNewLogEventStartIndex: 9 },
      [
        [0, 1, 'too_old'],
        [1, 2, 'expired_retention'],
        [9, 10, 'too_new'],
      ],
    ],
    [
      'too new that starts inside too old',
      { tooOldLogEventEndIndex: 6, tooNewLogEventStartIndex: 4 },
      [
        [0, 6, 'too_old'],
        [6, 10, 'too_new'],
      ],
    ],
    ['every one too old', { tooOldLogEventEndIndex: 10 }, [[0, 10, 'too_old']]],
    ['every one too new', { tooNewLogEventStartIndex: 0 }, [[0, 10, 'too_new']]],
    ['an end past the events', { tooOldLogEventEndIndex: 99 }, [[0, 10, 'too_old']]],
    ['a start past the events', { tooNewLogEventStartIndex: 99 }, []],
    ['indices below 0', { tooOldLogEventEndIndex: -1, tooNewLogEventStartIndex: -1 }, [[0, 10, 'too_new']]],
  ])('%s', (_, info, ranges) => {
    expect(rejectedRanges(info, 10).map(({ from, to, reason }) => [from, to, reason])).toEqual(ranges)
  })

  test('an answer without it rejects nothing', () => expect(rejectedRanges(undefined, 10)).toEqual([]))
})

describe('missing credentials', () => {
  test.each<[cause: Error, reason: string, lasting: boolean]>([
    [thrown('AccessDenied', 403), 'credentials_denied', LASTING],
    [thrown('ValidationError', 400), 'credentials_denied', LASTING],
    [thrown('SomethingNew', 400), 'credentials_denied', LASTING],
    [thrown('ExpiredTokenException', 400), 'credentials_expired', false],
    [thrown('InvalidClientTokenId', 403), 'credentials_invalid', LASTING],
    [thrown('Throttling', 400), 'credentials_unavailable', false],
    [thrown('InternalFailure', 500), 'credentials_unavailable', false],
    [thrown('Error', 502), 'credentials_unavailable', false],
    [thrown('TimeoutError'), 'credentials_unavailable', false],
    [thrown('Error', undefined, { code: 'ECONNRESET' }), 'credentials_unavailable', false],
    [thrown('Error', undefined, { code: 'ENOENT' }), 'credentials_missing', LASTING],
    [thrown('CredentialsProviderError'), 'credentials_missing', LASTING],
    [thrown('SyntaxError'), 'credentials_missing', LASTING],
    [thrown('SignatureDoesNotMatch', 403), 'credentials_invalid', LASTING],
    [thrown('TypeError', undefined, { code: 'ERR_INVALID_CHAR' }), 'configuration', LASTING],
    [thrown('SystemError', undefined, { code: 'ERR_SYSTEM_ERROR' }), 'configuration', LASTING],
  ])('are a fault of the credential, from every source: %s is %s', (cause, reason, lasting) => {
    expect(classifyPut(new NoCredentials(cause))).toEqual({
      kind: 'retry',
      scope: 'credential',
      reason,
      lasting,
      afterMs: 0,
      maybeTaken: false,
      message: `${cause.name}: the text`,
    })
  })
})
