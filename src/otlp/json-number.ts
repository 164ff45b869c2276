/** Characters of the longest useful number: the smallest double with all its decimal digits. */
export const MAX_NUMBER_BYTES = 1_100

const INTEGER = /^-?\d+$/
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
/** Maximum digits of a 64-bit integer. */
const MAX_DIGITS = 20

export function isDecimal(text: string): boolean {
  return DECIMAL.test(text)
}

/**
 * Returns the exact integer of a decimal number: `1.79e+18` and `1.0` are integers in protobuf's JSON. A double would round
 * integers over 2^53, which includes every time in nanoseconds.
 *
 * @param text at most MAX_NUMBER_BYTES
 * @returns undefined if it is not an integer; an infinity for one of more than 20 digits
 */
export function exactInteger(text: string): bigint | number | undefined {
  if (text.length <= MAX_DIGITS && INTEGER.test(text)) return BigInt(text)
  const parts = DECIMAL.exec(text)
  if (parts === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts
  const digits = `${whole}${fraction}`
  let from = 0
  while (from < digits.length && digits[from] === '0') from++
  if (from === digits.length) return 0n
  let to = digits.length
  while (digits[to - 1] === '0') to--
  const significant = digits.slice(from, to)
  const zeros = Number(exponent) - fraction.length + digits.length - to
  if (zeros < 0) return undefined
  if (significant.length + zeros > MAX_DIGITS) return sign === '' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  return BigInt(`${sign}${significant}${'0'.repeat(zeros)}`)
}
