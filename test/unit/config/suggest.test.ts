import { expect, test } from 'vitest'
import { closest, hint } from '../../../src/config/suggest.ts'

test.for([
  ['endpont', 'endpoint'],
  ['enpdoint', 'endpoint'], // neighbours swapped
  ['ENDPOINT', 'endpoint'],
  ['regon', 'region'],
  ['batc', 'batch'],
] as const)('%s is meant to be %s', ([word, meant]) => {
  expect(closest(word, ['batch', 'region', 'endpoint', 'logs'])).toBe(meant)
})

test('a word that is close to nothing has no suggestion', () => {
  expect(closest('foo', ['endpoint', 'logs'])).toBeUndefined()
})

test('known names are listed where none is close', () => {
  expect(hint('foo', ['logs', 'endpoint'])).toBe('; known here: endpoint, logs')
  expect(hint('foo', [])).toBe('')
})
