import { randomBytes } from 'node:crypto'
import { constants, createZstdCompress, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { decompress } from '../../../../src/listen/compression/decompress.ts'
import type { Encoding } from '../../../../src/listen/compression/encodings.ts'
import { Holding } from '../../../../src/listen/memory/holding.ts'

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
  ])('of a body %s is decompressed, and the result is held', async (_, body) => {
    const { bytes, failure, held } = await undo(encoding, compress(body))
    expect(failure).toBeUndefined()
    expect(body.equals(bytes ?? new Uint8Array(0))).toBe(true)
    // Buffers have sizes of powers of two, and are charged whole.
    expect(held).toBeGreaterThanOrEqual(body.length)
    expect(held).toBeLessThanOrEqual(2 * body.length)
  })

  test.each([
    ['small', small],
    ['large', large],
  ])('of a body %s is corrupt where it ends early, has trailing data, or is no stream', async (_, body) => {
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
    expect(held).toBeLessThanOrEqual(2 * limit)
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

test('many large bodies at a time are all decompressed', async () => {
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

describe('a request that ends while its body', () => {
  const bomb = gzipSync(Buffer.alloc(30 * MIB))

  test('is decompressed: nothing is charged, held or reported after that, and others are decompressed', async () => {
    const budget = new ByteBudget(256 * MIB)
    const holding = new Holding(budget)
    const compressed = gzipSync(large)
    // The bytes lie in a buffer of the pool, which others write to as soon as it is returned.
    const buffer = holding.borrow(compressed.length) ?? Buffer.alloc(0)
    buffer.set(compressed)
    const results: unknown[] = []
    decompress('gzip', buffer.subarray(0, compressed.length), 64 * MIB, holding, (...result) => results.push(result))
    holding.release()
    buffer.fill(0xff)
    expect(budget.used).toBe(0)
    expect(large.equals((await undo('gzip', compressed)).bytes ?? new Uint8Array(0))).toBe(true)
    expect(results).toEqual([])
    expect(budget.used).toBe(0)
  })

  test('waits for its turn: it leaves the queue at once', async () => {
    const running = [undo('gzip', bomb), undo('gzip', bomb)]
    const budget = new ByteBudget(256 * MIB)
    const results: unknown[] = []
    const waiting = Array.from({ length: 100 }, () => {
      const holding = new Holding(budget)
      decompress('gzip', bomb, 64 * MIB, holding, (...result) => results.push(result))
      return holding
    })
    for (const holding of waiting) holding.release()
    expect(budget.used).toBe(0)
    for (const { bytes } of await Promise.all(running)) expect(bytes).toHaveLength(30 * MIB)
    expect((await undo('gzip', bomb)).bytes).toHaveLength(30 * MIB)
    expect(results).toEqual([])
  })
})

test.each(['gzip', 'deflate', 'zstd'] as const)(
  '%s in many slices, cut at every place of its end',
  async (encoding) => {
    const compressed = compressors[encoding](large)
    for (let cut = 1; cut <= 12; cut++)
      expect(await undo(encoding, compressed.subarray(0, -cut))).toMatchObject({ failure: 'corrupt' })
  },
)
