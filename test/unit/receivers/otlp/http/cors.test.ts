import { describe, expect, test } from 'vitest'
import { logsOf, runReceiver } from '../running-receiver.ts'

// Browsers ask before they send (the preflight request), and read an answer only if it says that they may.

const CORS = {
  allowed_origins: ['https://app.example.com', 'https://*.example.org', 'http://localhost:*'],
  allowed_headers: ['X-Tenant'],
  exposed_headers: ['Retry-After'],
  max_age: 600,
}

/** Only what CORS adds; fetch of Node sends these headers as they are. */
async function corsHeaders(
  cors: Record<string, unknown>,
  init: RequestInit,
): Promise<[number, Record<string, string>]> {
  const { http } = await runReceiver({ http: { cors } })
  const response = await fetch(`http://127.0.0.1:${http}/v1/logs`, init)
  const headers = [...response.headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary')
  return [response.status, Object.fromEntries(headers)]
}

const preflight = (origin: string, headers: string, method = 'POST') => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': method,
    ...(headers !== '' && { 'access-control-request-headers': headers }),
  },
})
const post = (origin: string) => ({
  method: 'POST',
  headers: { origin, 'content-type': 'application/x-protobuf' },
  body: logsOf('a'),
})

const VARY = { vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers' }
const allows = (origin: string, headers: string) => ({
  ...VARY,
  'access-control-allow-origin': origin,
  'access-control-allow-credentials': 'true',
  'access-control-allow-methods': 'POST',
  'access-control-max-age': '600',
  ...(headers !== '' && { 'access-control-allow-headers': headers }),
})

describe('a preflight request', () => {
  const cases: [string, RequestInit, Record<string, string>][] = [
    [
      'of an origin that is allowed',
      preflight('https://app.example.com', 'content-type,x-tenant'),
      allows('https://app.example.com', 'content-type, x-tenant'),
    ],
    ['of an origin by a wildcard', preflight('https://a.b.example.org', ''), allows('https://a.b.example.org', '')],
    ['of an origin of any port', preflight('http://localhost:3000', ''), allows('http://localhost:3000', '')],
    ['of another origin', preflight('https://evil.example.net', ''), VARY],
    ['of an origin that ends alike', preflight('https://app.example.com.evil.net', ''), VARY],
    ['of an origin where a dot stands for something else', preflight('https://app-example.com', ''), VARY],
    ['with a header that is not allowed', preflight('https://app.example.com', 'x-other'), VARY],
    ['for another method', preflight('https://app.example.com', '', 'DELETE'), VARY],
  ]
  test.each(cases)('%s', async (_, init, headers) => {
    expect(await corsHeaders(CORS, init)).toEqual([204, headers])
  })

  test('with any header where all are allowed', async () => {
    const [, headers] = await corsHeaders(
      { ...CORS, allowed_headers: ['*'] },
      preflight('https://app.example.com', 'x-a,x-b'),
    )
    expect(headers).toMatchObject({ 'access-control-allow-headers': 'x-a, x-b' })
  })

  test('is the only one that is answered without logs', async () => {
    const { http, next } = await runReceiver({ http: { cors: CORS } })
    const response = await fetch(`http://127.0.0.1:${http}/v1/logs`, { method: 'OPTIONS' })
    expect(response.status).toBe(405)
    expect(next.requests).toEqual([])
  })
})

describe('a request', () => {
  test('of an origin that is allowed', async () => {
    expect(await corsHeaders(CORS, post('https://app.example.com'))).toEqual([
      200,
      {
        vary: 'Origin',
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'Retry-After',
      },
    ])
  })

  test('of another origin is accepted: the browser hides the answer', async () => {
    expect(await corsHeaders(CORS, post('https://evil.example.net'))).toEqual([200, { vary: 'Origin' }])
  })

  test('of any origin where all are allowed, without credentials', async () => {
    expect(await corsHeaders({ allowed_origins: ['*'] }, post('https://a.example'))).toEqual([
      200,
      { vary: 'Origin', 'access-control-allow-origin': '*' },
    ])
  })

  test('of any origin where none is allowed', async () => {
    expect(await corsHeaders({}, post('https://a.example'))).toEqual([200, { vary: 'Origin' }])
  })
})

test('an origin that is long is compared with patterns of many stars at once', async () => {
  const cors = { allowed_origins: [`https://${'*a'.repeat(12)}*b`] }
  const [status, headers] = await corsHeaders(cors, post(`https://${'a'.repeat(8_000)}`))
  expect([status, headers]).toEqual([200, { vary: 'Origin' }])
})
