// The tables, in Markdown: figures of each row, and ratios of ours to the Go collector in the same run.

import type { Measurement } from '../measure/measure.ts'
import type { StartMeasurement } from '../measure/measure-start.ts'
import { type Case, rowNamed } from '../rows.ts'
import { median, medianAndSpread, round } from './statistics.ts'
import { TARGETS } from '../targets/targets.ts'

/** What several runs of one target in one case came to. */
export interface Result {
  readonly case: Case
  readonly target: string
  readonly runs: readonly Measurement[]
  /** What went wrong, in runs that came to nothing. */
  readonly failures: readonly string[]
}

export interface StartResult {
  readonly target: string
  readonly runs: readonly StartMeasurement[]
}

const FIGURES: readonly (readonly [title: string, of: (run: Measurement) => number, digits: number])[] = [
  ['records/s', (run) => run.delivered, 0],
  ['CPU s/million', (run) => run.cpu, 2],
  ['cores', (run) => run.cores, 2],
  ['others', (run) => run.otherCores, 2],
  ['PSS MiB', (run) => run.pss, 0],
  ['peak', (run) => run.pssPeak, 0],
  ['p50 ms', (run) => run.p50Ms, 1],
  ['p99 ms', (run) => run.p99Ms, 1],
  ['oldest s', (run) => run.oldest, 1],
  ['puts/s', (run) => run.putsASecond, 1],
  ['of least', (run) => run.putsOverLeast, 2],
  ['bytes', (run) => run.bytesARecord, 0],
  ['waits', (run) => run.waits, 0],
  ['lost', (run) => run.lost, 0],
  ['doubled', (run) => run.doubled, 0],
]

const RATIOS: readonly (readonly [title: string, of: (run: Measurement) => number])[] = [
  ['CPU', (run) => run.cpu],
  ['records/s', (run) => run.delivered],
  ['PSS', (run) => run.pss],
  ['p99', (run) => run.p99Ms],
]

/** Whether each run of it delivered each record once, and there was one. */
export function isExact({ runs, failures }: Result): boolean {
  return failures.length === 0 && runs.length > 0 && runs.every(({ lost, doubled }) => lost === 0 && doubled === 0)
}

export function figureTables(results: readonly Result[]): string {
  const rows = [...new Set(results.map((result) => result.case.row))]
  return rows
    .map((row) => {
      const lines = results.filter((result) => result.case.row === row).map(figureLine)
      return `### ${row}\n\n${rowNamed(row).about}\n\n${table(['case', 'target', ...FIGURES.map(([title]) => title)], lines)}\n`
    })
    .join('\n')
}

function figureLine(result: Result): string[] {
  const { protocol, queue, rate } = result.case
  const failed = isOurs(result) && !isExact(result)
  return [
    `${protocol} ${queue} ${rate}`,
    `${result.target}${failed ? ' FAILED' : ''}${result.failures.length > 0 ? ` (${result.failures.length} runs failed)` : ''}`,
    ...FIGURES.map(([, of, digits]) => medianAndSpread(result.runs.map(of), digits)),
  ]
}

/**
 * Medians over medians, where there are both: ours over each Go collector, two workers over one process, on disk over in
 * memory, 10,000 streams over one, and the body only over the Go collector's full records.
 */
export function ratioTable(results: readonly Result[]): string {
  const lines = results.filter(isOurs).flatMap((ours) =>
    results
      .map((other) => ({ other, title: titleOf(ours, other) }))
      .filter(({ title }) => title !== undefined)
      .map(({ other, title = '' }) => [
        Object.values(ours.case).join(' '),
        title,
        ...RATIOS.map(([, of]) => round(median(ours.runs.map(of)) / median(other.runs.map(of)), 2)),
      ]),
  )
  return lines.length === 0 ? '' : table(['case', 'targets', ...RATIOS.map(([title]) => title)], lines)
}

function isOurs({ target }: Result): boolean {
  return TARGETS[target]?.ours === true
}

/** Undefined if the two are not to be compared. */
function titleOf(ours: Result, other: Result): string | undefined {
  const { target } = ours
  const isLike = (change: Partial<Case>) => isSame({ ...ours.case, ...change }, other.case)
  if (!isOurs(other)) {
    if (isLike({})) return `${target} / ${other.target}`
    return ours.case.row === 'raw' && isLike({ row: 'batch' })
      ? `${target} / ${other.target} with full records`
      : undefined
  }
  if (target === 'workers' && other.target === 'dist' && isLike({})) return 'workers / dist'
  if (target !== other.target) return undefined
  if (ours.case.queue === 'disk' && isLike({ queue: 'memory' })) return `${target}, disk / memory`
  return ours.case.row === 'lanes' && isLike({ row: 'lane' }) ? `${target}, 10,000 streams / one` : undefined
}

function isSame(a: Case, b: Case): boolean {
  return a.row === b.row && a.protocol === b.protocol && a.queue === b.queue && a.rate === b.rate
}

export function startTable(results: readonly StartResult[]): string {
  const lines = results.map(({ target, runs }) => [
    target,
    medianAndSpread(
      runs.map(({ readyMs }) => readyMs),
      0,
    ),
    medianAndSpread(
      runs.map(({ readyRss }) => readyRss),
      0,
    ),
    medianAndSpread(
      runs.map(({ restedRss }) => restedRss),
      0,
    ),
  ])
  return table(['target', 'ready ms', 'RSS MiB when ready', 'a minute after a million records'], lines)
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  )
  const row = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [row(head), row(widths.map((width) => '-'.repeat(width))), ...lines.map(row)].join('\n')
}
