import { totalmem } from 'node:os'
import type { PipelineShape } from '../../component/factory.ts'

// Shares of the process's memory limit: JavaScript heap at most 35 %, one budget for all buffers at most 40 %, the rest for
// code, the runtime and memory that the allocator does not return. So RSS is bounded under any load.

/** Maximum share of the limit for buffers, whatever is configured. */
const BUDGET_SHARE = 0.4
/** Share of the limit for the JavaScript heap. */
const HEAP_SHARE = 0.35
/** Percent of the limit for the heap's old generation, as in the Dockerfile and `npm start`; the young one adds up to 9.4. */
const OLD_GENERATION = 25
/** Semi-space size (the young generation has three): limit/32, at most 64 MiB; matches V8 13.6's measured default. */
const SEMI_SPACE = 1 / 32
const MAX_SEMI_SPACE = 64 * 1024 ** 2
/** Bytes; the budget unless `memory_limiter` sets another. */
const DEFAULT_BUDGET = 256 * 1024 ** 2

/** @returns bytes this process may use: its cgroup limit (v1 or v2), or the machine's memory if that is smaller */
export function memoryLimit(constrained: number = process.constrainedMemory(), machine: number = totalmem()): number {
  // Without a cgroup limit, Node reports 0 or a number beyond any machine's memory.
  return constrained > 0 && constrained < machine ? constrained : machine
}

export interface SizedBudget {
  readonly bytes: number
  /** Explains why the budget is smaller than configured; undefined if it is not. */
  readonly note: string | undefined
}

/**
 * @param limit bytes, see `memoryLimit`
 * @param asked shapes of all processors; of several limits the smallest applies, since the process has one budget
 */
export function sizeBudget(limit: number, asked: readonly PipelineShape[]): SizedBudget {
  const most = Math.floor(limit * BUDGET_SHARE)
  const wishes = asked.flatMap(({ budgetBytes, budgetShare }) => {
    if (budgetBytes !== undefined) return [budgetBytes]
    return budgetShare === undefined ? [] : [Math.floor(limit * budgetShare)]
  })
  if (wishes.length === 0) return { bytes: Math.max(1, Math.min(most, DEFAULT_BUDGET)), note: undefined }
  const wish = Math.min(...wishes)
  if (wish <= most) return { bytes: Math.max(1, wish), note: undefined }
  const note =
    `memory_limiter asks for ${mebibytes(wish)}; buffers get ${mebibytes(most)}, 40 % of the memory limit ` +
    `of ${mebibytes(limit)}: the JavaScript heap and the runtime need the rest`
  return { bytes: Math.max(1, most), note }
}

/**
 * Share of the heap's old generation for the bookkeeping of waiting records. Connections and streams may take as much, and
 * the daemon itself takes a third of 128 MiB.
 */
const WAITING_SHARE = 0.25

/**
 * @param heapLimit V8's `heap_size_limit`, bytes: the old generation, and the young one with its three semi-spaces
 * @param limit bytes, see `memoryLimit`
 * @returns bytes of heap that the bookkeeping of waiting records may take
 */
export function waitingHeap(heapLimit: number, limit: number): number {
  const young = 3 * semiSpace(limit) * 1024 ** 2
  return Math.floor(Math.max(heapLimit - young, heapLimit / 4) * WAITING_SHARE)
}

/**
 * @param processes number of processes that share the limit, each with its own heap
 * @returns advice if the JavaScript heap may grow past its share of the limit; undefined if it may not
 */
export function heapNote(limit: number, heapLimit: number, processes: number): string | undefined {
  if (heapLimit <= (limit * HEAP_SHARE) / processes) return undefined
  const percentage = Math.floor((OLD_GENERATION / processes) * 10) / 10
  const heaps = processes === 1 ? 'the JavaScript heap' : `the JavaScript heap of each of ${processes} workers`
  return (
    `${heaps} may grow to ${mebibytes(heapLimit)}, more than ${processes === 1 ? '' : 'its part of '}35 % of the memory limit of ` +
    `${mebibytes(limit)}: start node with --max-old-space-size-percentage=${percentage}` +
    (processes === 1 ? '' : ` --max-semi-space-size=${semiSpace(limit / processes)}`)
  )
}

/** @returns MiB, rounded down to a power of two, as V8 would round up */
function semiSpace(limit: number): number {
  const bytes = Math.min(limit * SEMI_SPACE, MAX_SEMI_SPACE)
  return 2 ** Math.floor(Math.log2(Math.max(1, bytes / 1024 ** 2)))
}

export function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`
}
