import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Glob, matchesAny } from '../../../src/component/glob.ts'

test.each([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'any\nthing', true],
  ['**', 'x', true],
  ['/blue/*', '/blue/', true],
  ['/blue/*', '/blue', false],
  ['/blue/*', 'x/blue/a', false],
  ['*/blue', 'x/blue', true],
  ['*/blue', '/blue/a', false],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'acb', false],
  ['aba*aba', 'ababa', false], // the two ends may not overlap
  ['*ab*ab', 'ab', false],
  ['*ab*ab', 'abab', true],
  ['a.c', 'abc', false],
  ['a+(b)[c]?$', 'a+(b)[c]?$', true],
  ['/eks/*/app', '/EKS/x/app', false],
])('%j and %j: %s', (pattern, text, expected) => expect(new Glob(pattern).matches(text)).toBe(expected))

test('agrees with a regular expression on every short text', () => {
  const short = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 7 }).map((letters) => letters.join(''))
  const text = fc.array(fc.constantFrom('a', 'b'), { maxLength: 9 }).map((letters) => letters.join(''))
  fc.assert(
    fc.property(short, text, (pattern, text) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text)
      expect(new Glob(pattern).matches(text)).toBe(expected)
    }),
    { numRuns: 5_000 },
  )
})

test('one of several patterns is enough', () => {
  const globs = ['/a/*', '/b'].map((pattern) => new Glob(pattern))
  expect(['/a/x', '/b', '/c'].map((text) => matchesAny(globs, text))).toEqual([true, true, false])
})
