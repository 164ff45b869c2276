// Steps of a function over bytes: how often it looks at one of them, and how many objects it makes. Not time, which a busy
// machine changes; and nothing in the product counts, so that it costs nothing there.
//
// Bytes are counted by handing the function bytes that count: indexes, DataViews, and the methods of Buffer that read a
// stretch. Objects are counted by the heap they take: the smallest one of V8 has 16 bytes, so this is an upper bound.

const MIN_OBJECT_BYTES = 16
/** Runs of which the median is taken: some are disturbed by a collection, others by the compiler. Of five, three were once. */
const RUNS = 9

export interface Steps {
  readonly bytes: number
  readonly objects: number
}

export function countSteps(bytes: Uint8Array, run: (bytes: Uint8Array) => void): Steps {
  return { bytes: bytesVisited(bytes, run), objects: objectsMade(bytes, run) }
}

function objectsMade(bytes: Uint8Array, run: (bytes: Uint8Array) => void): number {
  const grown: number[] = []
  for (let i = 0; i < RUNS; i++) {
    const before = process.memoryUsage().heapUsed
    run(bytes)
    grown.push(process.memoryUsage().heapUsed - before)
  }
  grown.sort((a, b) => a - b)
  return Math.max(0, grown[RUNS >> 1] ?? 0) / MIN_OBJECT_BYTES
}

function bytesVisited(bytes: Uint8Array, run: (bytes: Uint8Array) => void): number {
  // A buffer of its own, by which what is made of it is known.
  const own = Buffer.from(Uint8Array.from(bytes).buffer)
  const counter = { visited: 0 }
  const original = { DataView: globalThis.DataView, from: Buffer.from.bind(Buffer) }
  globalThis.DataView = countingDataView(own.buffer, counter)
  Buffer.from = ((source: never, offset: never, length: never) => {
    const made = original.from(source, offset, length)
    return (source as unknown) === own.buffer ? counting(made, counter) : made
  }) as typeof Buffer.from
  try {
    run(counting(own, counter))
  } finally {
    globalThis.DataView = original.DataView
    Buffer.from = original.from
  }
  return counter.visited
}

interface Counter {
  visited: number
}

/** Methods that read from one argument to another. */
const STRETCHES: ReadonlyMap<PropertyKey, readonly [from: number, to: number]> = new Map([
  ['toString', [1, 2]],
  ['subarray', [0, 1]],
  ['slice', [0, 1]],
  ['copy', [2, 3]],
])

function counting(bytes: Buffer, counter: Counter): Buffer {
  return new Proxy(bytes, {
    get(target, name) {
      if (typeof name === 'string' && /^\d+$/.test(name)) counter.visited++
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const [from, to] = STRETCHES.get(name) ?? []
        // Any other method is taken to read everything.
        const start = from === undefined ? 0 : Number(args[from] ?? 0)
        const end = to === undefined ? target.length : Number(args[to] ?? target.length)
        counter.visited += Math.max(0, Math.min(end, target.length) - start)
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}

function countingDataView(buffer: ArrayBufferLike, counter: Counter): DataViewConstructor {
  class CountingDataView extends DataView<ArrayBufferLike> {
    override getUint8(at: number): number {
      return super.getUint8(this.#count(at, 1))
    }
    override getInt32(at: number, little?: boolean): number {
      return super.getInt32(this.#count(at, 4), little)
    }
    override getUint32(at: number, little?: boolean): number {
      return super.getUint32(this.#count(at, 4), little)
    }
    override getFloat64(at: number, little?: boolean): number {
      return super.getFloat64(this.#count(at, 8), little)
    }
    #count(at: number, size: number): number {
      if (this.buffer === buffer) counter.visited += size
      return at
    }
  }
  return CountingDataView as unknown as DataViewConstructor
}
