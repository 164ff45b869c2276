import { randomBytes } from 'node:crypto'
import { constants, createZstdCompress, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../src/component/byte-budget.ts'
import { decompress, type Encoding } from '../../../src/listen/decompress.ts'
import { Holding } from '../../../src/listen/holding.ts'

const MIB = 1024 * 1024

interface Result {
  readonly bytes: Uint8Array | undefined
  readonly failure: string | undefined
  /** Taken of the budget when it was over. */
  readonly held: number
}

function undo(encoding: Encoding, bytes: Uint8Array, limit = 64 * MIB, budgetBytes = 256 * MIB): Promise<Result> {
  const budget = new ByteBudget(budgetBytes)
  const holding = new Holding(budget)
  return new Promise((resolve) => {
    decompress(encoding, bytes, limit, holding, (output, failure) => {
      resolve({ bytes: output, failure, held: budget.used })
    })
  })
}

const compressors = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync }
// Random bytes do not shrink: this one is over the bound up to which a body is undone at once.
const large = randomBytes(400_000)
const small = Buffer.from('a small body')

describe.each(['gzip', 'deflate', 'zstd'] as const)('%s', (encoding) => {
  const compress = compressors[encoding]

  test.each([
    ['small', small],
    ['large', large],
    ['that grows a lot', Buffer.alloc(3 * MIB)],
  ])('of a body %s is undone, and what comes out is held', async (_, body) => {
    const { bytes, failure, held } = await undo(encoding, compress(body))
    expect(failure).toBeUndefined()
    expect(body.equals(bytes ?? new Uint8Array(0))).toBe(true)
    expect(held).toBe(body.length)
  })

  test.each([
    ['small', small],
    ['large', large],
  ])('of a body %s is corrupt where it ends early, goes on behind its end, or is none', async (_, body) => {
    const compressed = compress(body)
    for (const bytes of [
      compressed.subarray(0, -5),
      Buffer.concat([compressed, Buffer.from('trail')]),
      Buffer.concat([compressed, Buffer.alloc(5)]),
      body,
    ]) {
      expect(await undo(encoding, bytes)).toMatchObject({ bytes: undefined, failure: 'corrupt' })
    }
  })

  test.each([
    ['small', Buffer.alloc(10_000), 9_999],
    ['large', large, large.length - 1],
    ['that grows a lot', Buffer.alloc(3 * MIB), 2 * MIB],
  ])('of a body %s stops at the limit', async (_, body, limit) => {
    const { failure, held } = await undo(encoding, compress(body), limit)
    expect(failure).toBe('too_large')
    expect(held).toBeLessThanOrEqual(limit)
    expect(await undo(encoding, compress(body), body.length)).toMatchObject({ failure: undefined })
  })

  test.each([
    ['small', Buffer.alloc(10_000), 9_999],
    ['large', large, large.length - 1],
    ['that grows a lot', Buffer.alloc(3 * MIB), 2 * MIB],
  ])('of a body %s stops where the budget is full', async (_, body, budgetBytes) => {
    const { failure, held } = await undo(encoding, compress(body), 64 * MIB, budgetBytes)
    expect(failure).toBe('budget_full')
    expect(held).toBeLessThanOrEqual(budgetBytes)
  })
})

test('many large bodies at a time are all undone', async () => {
  const bodies = Array.from({ length: 12 }, () => randomBytes(400_000))
  const results = await Promise.all(bodies.map((body) => undo('gzip', gzipSync(body))))
  expect(results.map(({ bytes }, i) => bodies[i]?.equals(bytes ?? new Uint8Array(0)))).toEqual(bodies.map(() => true))
})

test('gzip in several members is one body', async () => {
  const { bytes } = await undo('gzip', Buffer.concat([gzipSync('one '), gzipSync('body')]))
  expect(String(Buffer.from(bytes ?? []))).toBe('one body')
})

test.each([small, large])('a zstd frame that asks for a window over 8 MB is refused', async (body) => {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 26 } })
  const frame: Buffer[] = []
  compressor.on('data', (chunk: Buffer) => frame.push(chunk))
  compressor.write(body)
  await new Promise<void>((resolve) => compressor.flush(resolve))
  compressor.end()
  await new Promise((resolve) => compressor.once('end', resolve))
  expect(await undo('zstd', Buffer.concat(frame))).toMatchObject({ failure: 'corrupt' })
})
