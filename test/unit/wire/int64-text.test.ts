import { describe, expect, test } from 'vitest'
import { int64Text } from '../../../src/wire/int64-text.ts'

function halves(value: bigint): [high: number, low: number] {
  const bits = BigInt.asUintN(64, value)
  return [Number(bits >> 32n), Number(bits & 0xffff_ffffn)]
}

describe('int64 keeps every digit', () => {
  test.each([
    0n,
    1n,
    -1n,
    2n ** 31n,
    -(2n ** 31n),
    2n ** 32n,
    -(2n ** 32n),
    BigInt(Number.MAX_SAFE_INTEGER),
    BigInt(Number.MAX_SAFE_INTEGER) + 1n,
    BigInt(Number.MIN_SAFE_INTEGER),
    BigInt(Number.MIN_SAFE_INTEGER) - 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ])('%s', (value) => expect(int64Text(...halves(value))).toBe(value.toString()))
})
