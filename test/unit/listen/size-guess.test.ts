import { expect, test } from 'vitest'
import { SizeGuess } from '../../../src/listen/size-guess.ts'

test('before anything was read a request takes the bytes that arrive', () => {
  expect(new SizeGuess().guess('protobuf gzip', 1_000)).toEqual({ protobuf: 1_000, held: 1_000 })
})

test('requests of one kind and size grow alike', () => {
  const sizes = new SizeGuess()
  sizes.learn('protobuf gzip', 1_000, { protobuf: 12_000, held: 17_000 })
  expect(sizes.guess('protobuf gzip', 900)).toEqual({ protobuf: 10_800, held: 15_300 })
  // A small one is compressed less, and another encoding otherwise.
  expect(sizes.guess('protobuf gzip', 100)).toEqual({ protobuf: 100, held: 100 })
  expect(sizes.guess('protobuf zstd', 900)).toEqual({ protobuf: 900, held: 900 })
})

test('a sender of highly compressible requests does not keep out the others: the guess falls at once and rises slowly', () => {
  const sizes = new SizeGuess()
  const plain = { protobuf: 3_000, held: 4_000 }
  for (let i = 0; i < 1_000; i++) sizes.learn('protobuf gzip', 1_000, { protobuf: 900_000, held: 1_800_000 })
  sizes.learn('protobuf gzip', 1_000, plain)
  expect(sizes.guess('protobuf gzip', 1_000)).toEqual(plain)
  sizes.learn('protobuf gzip', 1_000, { protobuf: 19_000, held: 36_000 })
  expect(sizes.guess('protobuf gzip', 1_000)).toEqual({ protobuf: 4_000, held: 6_000 })
})

test('empty and aborted requests do not spoil the guess', () => {
  const sizes = new SizeGuess()
  sizes.learn('protobuf', 0, { protobuf: 0, held: 0 })
  expect(sizes.guess('protobuf', 0)).toEqual({ protobuf: 0, held: 0 })
  sizes.learn('protobuf', 10, { protobuf: 0, held: 16 })
  expect(sizes.guess('protobuf', 10)).toEqual({ protobuf: 10, held: 16 })
})
