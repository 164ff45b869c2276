import { describe, expect, test } from 'vitest'
import { matching, refusal, serveFilters } from './filter-requests.ts'

serveFilters()

const MESSAGES = [
  '[ERROR 400] BAD REQUEST',
  '[ERROR 401] UNAUTHORIZED REQUEST',
  '[ERROR 419] MISSING ARGUMENTS',
  '[INFO 200] OK a-b.c_d "quoted" back\\slash 50% ü',
]

describe('terms match the message case-sensitively', () => {
  test.each<[string, string]>([
    ['ERROR', '0 1 2'],
    ['error', ''],
    ['ERR', '0 1 2'],
    ['ERROR REQUEST', '0 1'],
    ['REQUEST   ERROR', '0 1'],
    ['"BAD REQUEST"', '0'],
    ['"REQUEST BAD"', ''],
    ['"[ERROR 400]" REQUEST', '0'],
    ['ERROR -ARGUMENTS', '0 1'],
    ['ERROR -"BAD REQUEST" -ARGUMENTS', '1'],
    ['"ERROR" - "BAD"', '1 2'],
    ['-ERROR', '3'],
    ['?BAD ?OK', '0 3'],
    ['?"BAD REQUEST" ?ARGUMENTS', '0 2'],
    ['?nothing', ''],
    ['?BAD ?OK REQUEST', '0 1'],
    ['?BAD -ARGUMENTS', '0 1 3'],
    ['a_b', ''],
    ['b.c_d', '3'],
    ['"\\"quoted\\""', '3'],
    ['"back\\\\slash"', '3'],
    ['"50%"', '3'],
    ['"ü"', '3'],
    ['" "', '0 1 2 3'],
    ['""', '0 1 2 3'],
    ['', '0 1 2 3'],
    [' \t ', '0 1 2 3'],
    ['  ERROR  ', '0 1 2'],
  ])('%s', async (pattern, expected) => {
    const found = await matching(pattern, MESSAGES)
    expect(found.map((message) => MESSAGES.indexOf(message)).join(' ')).toBe(expected)
  })
})

describe('an invalid term is refused, with its position', () => {
  test.each<[string, RegExp]>([
    ['"not closed', /at its end: the closing double quotation mark is missing/],
    ['"ends in a backslash\\', /the closing double quotation mark is missing/],
    ['a"b"', /at character 2: '"' is not allowed in a term/],
    ['"a"b', /at character 4: 'b' is not allowed in a term/],
    ['a-b', /at character 2: '-' is not allowed in a term: write the term in double quotation marks/],
    ['a:b', /at character 2: ':'/],
    ['ü', /at character 1: 'ü'/],
    ['--a', /at character 2: '-'/],
    ['?', /at its end: a term is missing/],
    ['a -', /at its end: a term is missing/],
    ['*', /at character 1: '\*'/],
    ['a && b', /at character 3: '&'/],
    ['a %b%', /at character 3: '%'/],
    ['a { $.b = 1 }', /at character 3: '{'/],
  ])('%s', async (pattern, expected) => {
    expect(await refusal(pattern)).toMatch(/^InvalidParameterException: Invalid filter pattern: at /)
    expect(await refusal(pattern)).toMatch(expected)
  })
})
