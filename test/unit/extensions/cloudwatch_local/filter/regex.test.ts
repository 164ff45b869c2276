import { describe, expect, test } from 'vitest'
import { matches, matching, refusal, serveFilters } from './filter-requests.ts'

serveFilters()

describe('a regular expression between % signs is found anywhere in the message', () => {
  test.each<[string, string, boolean]>([
    ['%AUTHORIZED%', '[ERROR 401] UNAUTHORIZED REQUEST', true],
    ['%authorized%', '[ERROR 401] UNAUTHORIZED REQUEST', false],
    ['%^[hc]at%', 'hat trick', true],
    ['%^[hc]at%', 'a hat', false],
    ['%[hc]at$%', 'the cat', true],
    ['%colou?r%', 'color', true],
    ['%[^a]at%', 'aat', false],
    ['%^a{3,5}$%', 'aaaa', true],
    ['%^a{3,5}$%', 'aa', false],
    ['%^a{2}$%', 'aa', true],
    ['%ab*c|x+y%', 'ac', true],
    ['%ab+c%', 'ac', false],
    ['%^starting|^shutting down%', 'shutting down now', true],
    ['%10\\.10\\.0\\.1%', 'from 10.10.0.1', true],
    ['%10\\.10\\.0\\.1%', 'from 10x10y0z1', false],
    ['%\\[.\\]%', 'value [7] here', true],
    ['%\\d\\d:\\w\\s\\S\\D\\W%', '10:a bc!', true],
    ['%a\\x3Ab\\x25%', 'a:b%', true],
    ['%\\\\%', 'back\\slash', true],
    ['%a\\-b%', 'a-b', true],
    ['%:_#=@/;,-%', 'x :_#=@/;,- y', true],
    ['  %a%  ', 'bab', true],
  ])('%s in %s: %s', async (pattern, message, expected) => {
    expect(await matches(pattern, message)).toBe(expected)
  })
})

describe('syntax that AWS does not support in a regular expression is refused', () => {
  test.each<[string, RegExp]>([
    ['%something!%', /at character 11: a regular expression may not contain '!'/],
    ['%(ab)+%', /may not contain '\('/],
    ['%\\(ab\\)%', /may have only the escapes/],
    ['%café%', /may not contain 'é'/],
    ['%\\bword%', /may have only the escapes/],
    ['%\\p{L}%', /may have only the escapes/],
    ['%\\1%', /may have only the escapes/],
    ['%\\xZZ%', /may have only the escapes/],
    ['%a"b%', /may not contain '"'/],
    ['%%', /is empty/],
    ['%abc', /is not closed/],
    ['%abc\\%', /may have only the escapes/],
    ['%a** %', /%a\*\* % is not a regular expression: .*invalid nested repetition operator/],
    ['%a++%', /is not a regular expression/],
    ['%[a-%', /missing closing \]/],
    ['%[z-a]%', /invalid character class range/],
    ['%*a%', /missing argument to repetition operator/],
    ['%a{1001}%', /invalid repeat count/],
    ['%a% b', /must be the whole pattern/],
    ['%a% %b%', /must be the whole pattern/],
  ])('%s', async (pattern, expected) => {
    expect(await refusal(pattern)).toMatch(/^InvalidParameterException: Invalid filter pattern: at /)
    expect(await refusal(pattern)).toMatch(expected)
  })
})

describe('a pattern may have at most two regular expressions', () => {
  test.each([
    ['{ $.a = %x% || $.b = %y% }', 'ok'],
    ['[a = %x%, b = %y%]', 'ok'],
    ['{ $.a = %x% || $.b = %y% || $.c = %z% }', 'refused'],
    ['[a = %x%, b = %y%, c = %z%]', 'refused'],
  ])('%s: %s', async (pattern, expected) => {
    const answer = await refusal(pattern)
    if (expected === 'ok') expect(answer).toBe('ok')
    else expect(answer).toMatch(/^InvalidParameterException: .* at most 2 regular expressions/)
  })
})

describe('patterns that make a backtracking engine run for hours take time linear in the event', () => {
  const long = `${'a'.repeat(1_000_000)}!`
  test.each(['%a*a*a*a*a*a*a*a*b%', '%^[a-z]*[a-z]*[a-z]*[a-z]*$%', '%a?a?a?a?a?a?a?a?a?a?[0-9]%', '%.*.*.*=.*%'])(
    '%s over 1 MB',
    async (pattern) => {
      expect(await matches(pattern, long)).toBe(false)
    },
  )
})

describe('a regular expression that could take seconds on an event is refused, and the error suggests another', () => {
  const letters = 'some letters of a long event '.repeat(30_000)
  const list = { a: Array.from({ length: 850 }, () => letters.slice(0, 1_000)) }
  test.each<[string, string | object]>([
    ['%[a-m].{1000}[0-9]%', letters],
    ['[line = %[a-m].{900}[0-9]%]', `"${letters}"`],
    ['{ $.a = %[a-m].{400}[0-9]% || $.b = %x% }', { a: letters }],
    ['{ $.a[*] = %[a-m].{500}[0-9]% || $.a[*] = %[a-n].{500}[0-9]% }', list],
  ])('%s', async (pattern, event) => {
    await expect(matches(pattern, event)).rejects.toThrow(
      /^InvalidParameterException: Invalid filter pattern: %\[a-[mn]\].*% has \d+ instructions, .* at most \d+ characters of an event, .* write a smaller count/,
    )
  })

  test('the bound is per event: many short events are searched', async () => {
    const messages = Array.from({ length: 20 }, (_, i) => `${letters.slice(0, 10_000)}${i}`)
    expect(await matching('%[a-z ].{1000}[0-9]%', messages)).toHaveLength(20)
  })
})
