import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ServiceError } from '../../src/extensions/cloudwatch_local/answer/service-error.ts'
import { compileFilterPattern } from '../../src/extensions/cloudwatch_local/filter/filter-pattern.ts'

/** What the languages of filter patterns are made of, so that more than the first character is read. */
const PARTS = `{ } [ ] ( ) $ . $.a $.* [*] [0] ['k'] = != < >= "x" " % %a% a - ? ... , && || IS NULL NOT EXISTS * 4* 1e3 \\ é`
const parts = fc.constantFrom(...PARTS.split(' '), ' ', '\n', '\u0000')
const frames = fc.constantFrom(['', ''], ['{ $.a = ', ' }'], ['[a, b', ']'], ['%', '%'])
const patterns = fc
  .tuple(frames, fc.array(parts, { maxLength: 14 }))
  .map(([[before, after], inner]) => `${before}${inner.join('')}${after}`)
const messages = fc.oneof(fc.string(), fc.json(), fc.constantFrom('{"a":"x","k":[1]}', 'a "b c" [d', '\ud800'))

test('any string is a filter pattern or is refused, and a pattern decides for any message whether it matches', () => {
  fc.assert(
    fc.property(patterns, fc.array(messages, { maxLength: 5 }), (pattern, texts) => {
      let matches
      try {
        matches = compileFilterPattern(pattern)
      } catch (error) {
        expect(error).toBeInstanceOf(ServiceError)
        expect(error).toMatchObject({ message: expect.stringMatching(/^Invalid filter pattern: at /) as string })
        return
      }
      for (const text of texts) expect(matches(text)).toBeTypeOf('boolean')
    }),
    { numRuns: 5_000 },
  )
})

test('a quoted term matches exactly the messages that contain it', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (term, before, after) => {
      const matches = compileFilterPattern(`"${term.replaceAll(/["\\]/g, '\\$&')}"`)
      expect(matches(before + term + after)).toBe(true)
      expect(matches(before)).toBe(before.includes(term))
    }),
  )
})

test('a member that is text or a number matches itself', () => {
  const keys = fc.string({ minLength: 1 })
  fc.assert(
    fc.property(keys, fc.oneof(fc.string(), fc.integer()), (key, value) => {
      const quoted = (text: string) => text.replaceAll(/["'*\\]/g, '\\$&')
      const selector = `$['${quoted(key)}']`
      const event = JSON.stringify({ other: 1, [key]: value })
      expect(compileFilterPattern(`{ ${selector} = "${quoted(String(value))}" }`)(event)).toBe(true)
      expect(compileFilterPattern(`{ ${selector} != "${quoted(String(value))}" }`)(event)).toBe(false)
      expect(compileFilterPattern(`{ ${selector} NOT EXISTS }`)(event)).toBe(false)
    }),
  )
})
