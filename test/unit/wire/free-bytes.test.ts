import { expect, test } from 'vitest'
import { freeBytes } from '../../../src/wire/free-bytes.ts'

test('bytes that are freed are not there any more, for anybody', () => {
  const bytes = Buffer.allocUnsafeSlow(100_000)
  const part = bytes.subarray(10, 20)
  freeBytes(bytes)
  expect([bytes.length, part.length, bytes.buffer.byteLength]).toEqual([0, 0, 0])
  freeBytes(bytes)
})

test('a part of a larger buffer stays, and the rest with it', () => {
  const buffer = Buffer.alloc(100, 'x')
  for (const part of [buffer.subarray(0, 99), buffer.subarray(1), Buffer.from('a')]) freeBytes(part)
  expect(buffer.toString()).toBe('x'.repeat(100))
})
