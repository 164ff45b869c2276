import { describe, expect, test } from 'vitest'
import { matches, matching, refusal, serveFilters } from '../filter-requests.ts'

serveFilters()

const APACHE = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'

describe('fields of an event that are separated by spaces', () => {
  test.each<[string, boolean]>([
    ['[ip, user, username, timestamp, request, status_code, bytes]', true],
    ['[ip=127.0.0.1, user, ...]', true],
    ['[ip, user=Prod, username=frank, timestamp, request, status_code, bytes]', true],
    ['[ip, user=prod, ...]', false],
    ['[..., timestamp="10/Oct/2000:13:25:15 -0700", request, status_code, bytes]', true],
    ['[..., request="GET /index.html HTTP/1.0", status_code, bytes]', true],
    ['[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]', true],
    ['[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]', true],
    ['[ip, user, username, timestamp, request, status_code = 4* && status_code != 404, bytes]', false],
    ['[..., status_code >= 400 && status_code < 500, bytes]', true],
    ['[..., status_code = 500 || status_code = 4* && status_code != 403, bytes > 1e3]', true],
    ['[..., bytes > 1000]', true],
    ['[..., bytes > 2000]', false],
    ['[..., bytes = 1534]', true],
    ['[..., bytes = 1534.0]', true],
    ['[..., status_code, bytes > 1000 ]', true],
    ['[ip=%127\\.0\\.0\\.[1-9]%, ..., bytes]', true],
    ['[ip, ..., bytes]', true],
    ['[...]', true],
    ['[]', true],
    ['[ ]', true],
    ['[..., request=*.html*, status_code=4*,]', true],
    ['[,,username=frank,...]', true],
    ['[a, b, c, d, e, f, g, h]', false],
    ['[a, b, c, d, e, f, g, h, ...]', false],
    ['[..., a, b, c, d, e, f, g, h]', false],
    ['[a, b, c, d, ..., e, f, g]', true],
    ['[a, b, c, d, ..., e, f, g, h]', false],
  ])('%s: %s', async (pattern, expected) => {
    expect(await matches(pattern, APACHE)).toBe(expected)
  })
})

describe('the last field is the rest of the line', () => {
  const lines = [
    'INFO 09/25/2014 12:00:00 GET /service/resource/67 1200',
    'INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310',
    'WARNING 09/25/2014 12:00:02 Invalid user request',
    'ERROR 09/25/2014 12:00:02 Failed to process request',
    'ERROR',
  ]
  test.each<[string, string]>([
    ['[w1=ERROR, w2]', '3'],
    ['[w1=ERROR]', '4'],
    ['[w1=ERROR, ...]', '3 4'],
    ['[w1=ERROR || w1=%WARN%, w2]', '2 3'],
    ['[w1!=ERROR && w1!=WARNING, w2]', '0 1'],
    ['[level, date, time, rest="Invalid user request"]', '2'],
    ['[level, date, time, method, url=%/service/resource/[0-9]+$%, response_time]', '0'],
  ])('%s', async (pattern, expected) => {
    const found = await matching(pattern, lines)
    expect(found.map((line) => lines.indexOf(line)).join(' ')).toBe(expected)
  })
})

describe('quotation marks and brackets that are not a field of their own are text', () => {
  test.each<[string, string, boolean]>([
    ['[a, b="it\'s", c]', 'x it\'s "open', true],
    ['[a=x, b="[open", c=y]', 'x [open y', true],
    ['[a="[x]:", b=y]', '[x]: y', true],
    ['[a="", b=y]', '"" y', true],
    ['[a="two words", b=y]', '\t"two words"   y \n', true],
    ['[..., a="two words"]', 'x y [two words]', true],
  ])('%s in %s', async (pattern, message, expected) => {
    expect(await matches(pattern, message)).toBe(expected)
  })
})

describe('an invalid pattern of fields is refused', () => {
  test.each<[string, RegExp]>([
    ['[a, b', /if a filter pattern starts with '\[' it must end with '\]'/],
    ['[a, b] x', /it must end with '\]'/],
    ['[a] [b]', /nothing may follow the \]/],
    ['[a, ..., b, ..., c]', /one ellipsis/],
    ['[a, a]', /two fields have the name a/],
    ['[1a]', /the name of a field is missing/],
    ['["x", b]', /the name of a field is missing/],
    ['[a b]', /one of = != < > <= >= is missing/],
    ['[a = ]', /a value is missing/],
    ['[a = x y, b]', /a comma or \] is missing/],
    ['[w1=!ERROR, w2]', /a value is missing/],
    ['[a = 1 ||]', /the conditions of a field begin with its name: write a/],
    ['[a = 1 && b = 2]', /the conditions of a field begin with its name: write a/],
    ['[a > x]', /> compares with a number/],
    ['[a IS NULL]', /one of = != < > <= >= is missing/],
    ['[(a = 1)]', /the name of a field is missing/],
    ['[a = "x, b]', /the closing double quotation mark is missing/],
  ])('%s', async (pattern, expected) => {
    expect(await refusal(pattern)).toMatch(/^InvalidParameterException: Invalid filter pattern: at /)
    expect(await refusal(pattern)).toMatch(expected)
  })
})

test('events of 1 MB of fields, open brackets and quotation marks are read in one pass', async () => {
  const messages = [`${'a '.repeat(500_000)}z`, `${'[ '.repeat(500_000)}]x z`, `${'" '.repeat(500_000)}z`]
  expect(await matching('[..., last=z]', messages)).toEqual(messages)
  expect(await matching('[first=nothing, ..., last=z]', messages)).toEqual([])
  expect(await matching('[first, rest=*z]', messages)).toEqual(messages)
})
