// Hot path; bench: test/bench/transcode.ts

/** Returns the decimal digits of a two's complement int64. */
export function int64Text(high: number, low: number): string {
  const value = (high | 0) * 4_294_967_296 + low
  if (Number.isSafeInteger(value)) return String(value)
  return ((BigInt(high | 0) << 32n) | BigInt(low)).toString()
}
