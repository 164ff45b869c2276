import { describe, expect, test } from 'vitest'
import { describeGroups, matches, matching, refusal, search, serveFilters, store } from '../filter-requests.ts'

serveFilters()

const EVENT = {
  eventType: 'UpdateTrail',
  sourceIPAddress: '111.111.111.111',
  arrayKey: ['value', 'another value'],
  objectList: [
    { name: 'a', id: 1 },
    { name: 'b', id: 2 },
  ],
  SomeObject: null,
  ThisFlag: true,
  Off: false,
  latency: 55.5,
  errorCode: 404,
  small: 0.001,
  negative: -3,
  account: '123456789012',
  'cluster.name': 'c',
  "it's": 'quoted',
  'with-hyphen_1': 'x',
  text: 'say "hi" * \\ ü',
  coordinates: [
    [0, 1],
    [4, 5],
  ],
  user: { id: 1, email: 'John.Stiles@example.com' },
  empty: '',
}

describe('a condition on a member', () => {
  test.each<[string, boolean]>([
    ['{ $.eventType = "UpdateTrail" }', true],
    ['{ $.eventType = UpdateTrail }', true],
    ['{$.eventType="UpdateTrail"}', true],
    ['{ $.eventType = "updatetrail" }', false],
    ['{ $.eventType != "UpdateTrail" }', false],
    ['{ $.eventType != "Other" }', true],
    ['{ $.eventType = "Update*" }', true],
    ['{ $.eventType = "*Trail" }', true],
    ['{ $.eventType = "*dateTr*" }', true],
    ['{ $.eventType = *Trail }', true],
    ['{ $.eventType = "Trail*" }', false],
    ['{ $.eventType = "Up*ail" }', false],
    ['{ $.eventType = "*" }', true],
    ['{ $.eventType = * }', true],
    ['{ $.eventType != "*" }', false],
    ['{ $.sourceIPAddress != 123.123.* }', true],
    ['{ $.sourceIPAddress != 111.111.* }', false],
    ['{ $.text = "say \\"hi\\" * \\\\ ü" }', true],
    ['{ $.text = "*\\"hi\\" \\* *" }', true],
    ['{ $.eventType = "UpdateTrail\\*" }', false],
    ['{ $.empty = "" }', true],
    ['{ $.empty = "*" }', true],
    ['{ $.eventType = %Tr.il$% }', true],
    ['{ $.eventType != %Tr.il$% }', false],
    ['{ $.eventType = %^Trail% }', false],
    ['{ $.errorCode = %^4[0-9]{2}$% }', true],
    ['{ $.errorCode = 404 }', true],
    ['{ $.errorCode = 404.0 }', true],
    ['{ $.errorCode = 4.04e2 }', true],
    ['{ $.errorCode = "404" }', true],
    ['{ $.errorCode = 4* }', true],
    ['{ $.errorCode = "*" }', true],
    ['{ $.errorCode != 404 }', false],
    ['{ $.errorCode != 500 }', true],
    ['{ $.account = 123456789012 }', true],
    ['{ $.account > 1 }', true],
    ['{ $.eventType = 5 }', false],
    ['{ $.eventType != 5 }', true],
    ['{ $.eventType > 5 }', false],
    ['{ $.eventType < 5 }', false],
    ['{ $.latency > 55 }', true],
    ['{ $.latency > 55.5 }', false],
    ['{ $.latency >= 55.5 }', true],
    ['{ $.latency <= +55.5 }', true],
    ['{ $.latency < 1e+2 }', true],
    ['{ $.latency < 10e-3 }', false],
    ['{ $.small = 1e-3 }', true],
    ['{ $.small < .5 }', true],
    ['{ $.negative = -3 }', true],
    ['{ $.negative < -2 }', true],
    ['{ $.arrayKey[0] = "value" }', true],
    ['{ $.arrayKey[1] = "value" }', false],
    ['{ $.arrayKey[2] = "value" }', false],
    ['{ $.objectList[1].id = 2 }', true],
    ['{ $.coordinates[1][0] = 4 }', true],
    ['{ $.user.email = "*@example.com" }', true],
    ['{ $.[\'cluster.name\'] = "c" }', true],
    ["{ $['cluster.name'] = c }", true],
    ['{ $["cluster.name"] = c }', true],
    ["{ $['it\\'s'] = quoted }", true],
    ["{ $['user']['id'] = 1 }", true],
    ['{ $.with-hyphen_1 = x }', true],
    ['{ $.SomeObject IS NULL }', true],
    ['{ $.eventType IS NULL }', false],
    ['{ $.nothing IS NULL }', false],
    ['{ $.ThisFlag IS TRUE }', true],
    ['{ $.ThisFlag IS FALSE }', false],
    ['{ $.Off IS FALSE }', true],
    ['{ $.eventType IS TRUE }', false],
    ['{ $.nothing NOT EXISTS }', true],
    ['{ $.user.nothing NOT EXISTS }', true],
    ['{ $.eventType.deeper NOT EXISTS }', true],
    ['{ $.SomeObject NOT EXISTS }', false],
    ['{ $.user NOT EXISTS }', false],
    ['{ $.arrayKey[7] NOT EXISTS }', true],
  ])('%s: %s', async (pattern, expected) => {
    expect(await matches(pattern, EVENT)).toBe(expected)
  })
})

describe('only strings and numbers compare, and != is no exception', () => {
  test.each([
    '$.user',
    '$.arrayKey',
    '$.SomeObject',
    '$.ThisFlag',
    '$.nothing',
    '$.toString',
    '$.arrayKey.length',
    '$.__proto__',
  ])('%s', async (selector) => {
    for (const condition of ['= "*"', '!= "x"', '!= 1', '> 0', '= %.%'])
      expect(await matches(`{ ${selector} ${condition} }`, EVENT)).toBe(false)
  })
})

describe('a wildcard selector matches if any of its values does', () => {
  test.each<[string, boolean]>([
    ['{ $.arrayKey[*] = "another value" }', true],
    ['{ $.arrayKey[*] = %val.{2}% }', true],
    ['{ $.objectList[*].id = 2 }', true],
    ['{ $.objectList[*].id > 2 }', false],
    ['{ $.objectList[*].id != 1 }', true],
    ['{ $.coordinates[*][1] = 5 }', true],
    ['{ $.* = %^111\\.111% }', true],
    ['{ $.* = "nowhere" }', false],
    ['{ $.*.email = "John*" }', true],
    ['{ $.user.* = 1 }', true],
    ['{ $.user[*] = 1 }', false],
    ['{ $.arrayKey.* = "value" }', false],
    ['{ $.objectList[*].gone NOT EXISTS }', true],
    ['{ $.objectList[*].id NOT EXISTS }', false],
    ['{ $.* IS NULL }', true],
  ])('%s: %s', async (pattern, expected) => {
    expect(await matches(pattern, EVENT)).toBe(expected)
  })
})

describe('conditions are joined: && before ||, parentheses before both', () => {
  test.each<[string, boolean]>([
    ['{ ($.user.id = 1) && ($.arrayKey[0] = "value") }', true],
    ['{ $.user.id = 1 && $.user.id = 2 }', false],
    ['{ $.user.id = 2 || $.user.id = 1 }', true],
    ['{ $.user.id = 1 || $.user.id = 2 && $.user.id = 3 }', true],
    ['{ ($.user.id = 1 || $.user.id = 2) && $.user.id = 3 }', false],
    ['{($.user.id=1&&$.errorCode=404)||$.nothing=1}', true],
    ['{ ((($.user.id = 1))) }', true],
    ['{ ($.eventType = UpdateTrail) && (($.errorCode = "4*") || ($.errorCode = 5)) && ($.nothing NOT EXISTS) }', true],
    ['{ $.eventType = "a && b" || $.eventType = "x } y" }', false],
    [`{ ${'('.repeat(400)}$.user.id = 1${')'.repeat(400)} }`, true],
  ])('%s: %s', async (pattern, expected) => {
    expect(await matches(pattern, EVENT)).toBe(expected)
  })
})

test('events that are not a JSON object match no JSON pattern', async () => {
  const messages = ['plain', '', '[1]', '"text"', '5', '{"a":', 'x {"a":1}', '{"b":2}', ' \n{"b":3}'].filter(Boolean)
  expect(await matching('{ $.a NOT EXISTS }', messages)).toEqual(['{"b":2}', ' \n{"b":3}'])
})

describe('an invalid JSON pattern is refused', () => {
  test.each<[string, RegExp]>([
    ['{ $.a = 1', /if a filter pattern starts with '\{' it must end with '\}'/],
    ['{ $.a = 1 } x', /it must end with '\}'/],
    ['{ $.a = 1 } }', /nothing may follow the \}/],
    ['{}', /a selector is missing/],
    ['{ }', /a selector is missing/],
    ['{ a = 1 }', /a selector is missing: write one such as \$\.member/],
    ['{ "x" = $.a }', /a selector is missing/],
    ['{ $ = 1 }', /a selector must name a member/],
    ['{ $. = 1 }', /the name of a member is missing/],
    ['{ $..a = 1 }', /the name of a member is missing/],
    ['{ $.a.@b = 1 }', /names with other characters are written/],
    ['{ $[0] = 1 }', /an element must follow a member/],
    ['{ $[*] = 1 }', /an element must follow a member/],
    ['{ $.a[x] = 1 }', /brackets hold a number/],
    ['{ $.a[-1] = 1 }', /brackets hold a number/],
    ["{ $[''] = 1 }", /brackets hold a number/],
    ['{ $.a[99999999999999999999] = 1 }', /brackets hold a number/],
    ['{ $.a[0 = 1 }', /\] is missing/],
    ['{ $.*[*] = 1 }', /a selector may hold one wildcard/],
    ['{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.* = 1 }', /at most 3 selectors with a wildcard/],
    ['{ $.a }', /one of = != < > <= >= is missing/],
    ['{ $.a == 1 }', /a value is missing/],
    ['{ $.a = }', /a value is missing/],
    ['{ $.a = ü }', /a value is missing: write a number, text, "text" or %regex%/],
    ['{ $.a = a@b }', /text with other characters goes in double quotation marks/],
    ['{ $.a = x y }', /&&, \|\| or \} is missing/],
    ['{ $.a = "x }', /the closing double quotation mark is missing/],
    ['{ $.a > x }', /> compares with a number/],
    ['{ $.a >= "5" }', />= compares with a number/],
    ['{ $.a < 4* }', /< compares with a number/],
    ['{ $.a < %x% }', /< compares with a number/],
    ['{ $.a = 1 && }', /a selector is missing/],
    ['{ $.a = 1 & $.b = 1 }', /&&, \|\| or \} is missing/],
    ['{ ($.a = 1 }', /&&, \|\| or \) is missing/],
    ['{ $.a = 1) }', /&&, \|\| or \} is missing/],
    ['{ !($.a = 1) }', /a selector is missing/],
    ['{ $.a EXISTS }', /AWS has no EXISTS, only NOT EXISTS: write = "\*"/],
    ['{ $.a IS MAYBE }', /IS must be followed by NULL, TRUE or FALSE/],
    ['{ $.a IS NOT NULL }', /IS must be followed by NULL, TRUE or FALSE/],
    ['{ $.a is null }', /'is' is not an operator/],
    ['{ $.a NOT NULL }', /NOT must be followed by EXISTS/],
    ['{ $.a LIKE "x" }', /'LIKE' is not an operator/],
  ])('%s', async (pattern, expected) => {
    expect(await refusal(pattern)).toMatch(/^InvalidParameterException: Invalid filter pattern: at /)
    expect(await refusal(pattern)).toMatch(expected)
  })
})

describe('large and odd events', () => {
  test('deeply nested ones, 1 MB of members, and keys of JavaScript', async () => {
    const deep = `{"a":${'['.repeat(400_000)}${']'.repeat(400_000)},"b":1}`
    const wide = `{"list":[${'"",'.repeat(300_000)}"last"],"b":2}`
    const own = '{"__proto__":{"x":1},"constructor":"c","b":3}'
    expect(await matching('{ $.b > 0 }', [deep, wide, own])).toHaveLength(3)
    expect(await matching('{ $.list[*] = "last" }', [deep, wide, own])).toEqual([wide])
    expect(await matching('{ $.__proto__.x = 1 && $.constructor = c }', [deep, wide, own])).toEqual([own])
  })

  test('others are served while a search is under way', async () => {
    let seed = 1
    const letter = () => String.fromCharCode(97 + ((seed = (seed * 48_271) % 2_147_483_647) % 26))
    const letters = Array.from({ length: 8_000 }, letter).join('')
    const events = Array.from({ length: 20 }, () => `{"text":"${letters}"}`)
    const stream = await store(events)
    const state = { searching: true }
    const found = search('{ $.text = %[a-m].{300}[0-9]% }', stream).finally(() => (state.searching = false))
    let served = 0
    while (state.searching) {
      await describeGroups()
      if (state.searching) served += 1
    }
    expect(await found).toEqual([])
    expect(served).toBeGreaterThan(2)
  })
})
