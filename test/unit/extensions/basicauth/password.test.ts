import { expect, test } from 'vitest'
import { Password } from '../../../../src/extensions/basicauth/password.ts'

test('the right password is hashed once, however often it is sent, and each wrong one every time', () => {
  let hashed = 0
  const password = new Password(Buffer.from('right'), (given) => {
    hashed++
    return Buffer.from(given.toString().padEnd(5).slice(0, 5))
  })
  const shown = (text: string) => [password.is(Buffer.from(text)), hashed]
  expect(shown('wrong')).toEqual([false, 1])
  expect(shown('right')).toEqual([true, 2])
  expect(shown('right')).toEqual([true, 2])
  expect(shown('wrong')).toEqual([false, 3])
  expect(shown('right')).toEqual([true, 3])
})
