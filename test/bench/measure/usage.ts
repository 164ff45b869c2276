// What the operating system says a process and its children take.

import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second of /proc/PID/stat; 100 on every Linux Node runs on. */
const TICKS = 100
const MIB_IN_KIB = 1024

/** CPU seconds of the tree so far, those of children that have ended included. */
export function cpuSeconds(pid: number): number {
  let ticks = 0
  for (const member of tree(pid)) {
    const stat = read(`/proc/${member}/stat`)
    // After the name, which may hold anything: state is field 3; utime, stime, cutime, cstime are 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    for (const field of fields.slice(11, 15)) ticks += Number(field)
  }
  return ticks / TICKS
}

/** MiB of the tree: memory that processes share is counted once, split among those that share it. */
export function pssMib(pid: number): number {
  return sum(pid, 'smaps_rollup', /^Pss:\s+(\d+)/m)
}

/** MiB of the tree: memory that processes share is counted in each. */
export function rssMib(pid: number): number {
  return sum(pid, 'status', /^VmRSS:\s+(\d+)/m)
}

function sum(pid: number, file: string, figure: RegExp): number {
  let kib = 0
  for (const member of tree(pid)) kib += Number(figure.exec(read(`/proc/${member}/${file}`))?.[1] ?? 0)
  return kib / MIB_IN_KIB
}

function tree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(tree)]
}

function childrenOf(pid: number): number[] {
  const threads = list(`/proc/${pid}/task`)
  return threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
}

// A process that ends while it is looked at is not there any more: it takes nothing.
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
