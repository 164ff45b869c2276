import { totalmem } from 'node:os'
import type { PipelineShape } from '../../component/factory.ts'

// Of the memory limit L of the process: the JavaScript heap at most 35 %, one budget for all buffers at most 40 %, the
// rest for code, the runtime and what the allocator does not give back. So RSS is bounded under any load.

/** Of L, for buffers: the most the budget can be, whatever is configured. */
const BUDGET_SHARE = 0.4
/** Of L, for the JavaScript heap. */
const HEAP_SHARE = 0.35
/** Percent of L for the heap's old generation, as in the Dockerfile and `npm start`: the young one takes up to 9.4 beside it. */
const OLD_GENERATION = 25
/** Of L, at most 64 MiB, for a semi-space of the young one, which has three: as much as V8 13.6 takes by itself, measured. */
const SEMI_SPACE = 1 / 32
const MAX_SEMI_SPACE = 64 * 1024 ** 2
/** Bytes; the budget unless `memory_limiter` asks for more or less. */
const DEFAULT_BUDGET = 256 * 1024 ** 2

/** @returns bytes this process may use: the limit of its cgroup (v1 or v2) or, where that is none or larger, the machine's */
export function memoryLimit(constrained: number = process.constrainedMemory(), machine: number = totalmem()): number {
  // 0 or a number beyond any machine where there is no limit.
  return constrained > 0 && constrained < machine ? constrained : machine
}

export interface SizedBudget {
  readonly bytes: number
  /** What was asked for and not granted; undefined if nothing. */
  readonly note: string | undefined
}

/**
 * @param limit bytes, see `memoryLimit`
 * @param asked shapes of all processors; several limits: the smallest holds, since the budget is one for the process
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
 * Of the old generation of the heap, for bookkeeping of what waits. Connections and streams may take as much, and the daemon
 * itself takes a third of 128 MiB.
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
 * @param processes that share the limit, and have a heap each
 * @returns what to set when the JavaScript heap may grow past its share of the limit; undefined when it may not
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

/** @returns MiB; rounded down, as V8 would take the next power of two */
function semiSpace(limit: number): number {
  const bytes = Math.min(limit * SEMI_SPACE, MAX_SEMI_SPACE)
  return 2 ** Math.floor(Math.log2(Math.max(1, bytes / 1024 ** 2)))
}

export function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 ** 2)} MiB`
}
