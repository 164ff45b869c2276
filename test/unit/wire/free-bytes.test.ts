import { expect, test } from 'vitest'
import { freeBytes } from '../../../src/wire/free-bytes.ts'

test('freed bytes are detached for every holder', () => {
  const bytes = Buffer.allocUnsafeSlow(100_000)
  const part = bytes.subarray(10, 20)
  freeBytes(bytes)
  expect([bytes.length, part.length, bytes.buffer.byteLength]).toEqual([0, 0, 0])
  freeBytes(bytes)
})

test('a part of a larger buffer is not freed, nor is the rest', () => {
  const buffer = Buffer.alloc(100, 'x')
  for (const part of [buffer.subarray(0, 99), buffer.subarray(1), Buffer.from('a')]) freeBytes(part)
  expect(buffer.toString()).toBe('x'.repeat(100))
})
