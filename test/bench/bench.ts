// What the daemon costs, beside the Go collector. See README.md, or --help.

import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { GO_COLLECTOR_VERSION, goVersion } from './targets/go-collector.ts'
import { type Measurement, measure } from './measure/measure.ts'
import { measureStart } from './measure/measure-start.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import { figureTables, isExact, ratioTable, type Result, type StartResult, startTable } from './report/report.ts'
import { round } from './report/statistics.ts'
import { prepare, TARGETS } from './targets/targets.ts'

const RESULTS = join(import.meta.dirname, 'RESULTS.md')
/** Processes that ran or waited to, in the minute before. */
const LOAD_BEFORE = round(loadavg()[0] ?? 0, 1)

// So that what was started is ended, and temporary files removed, by those who listen to `exit`.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

const options = readOptions()
if (options === undefined) process.stdout.write(HELP)
else await bench(options)

async function bench({ cases, start, targets, timing, repeat, full, write }: Options): Promise<void> {
  const prepared = await prepare(targets)
  const results = cases.flatMap((each) =>
    prepared.map((target) => ({ case: each, target: target.name, ...attempts(() => measure(target, each, timing)) })),
  )
  const starts = (start ? prepared : []).map((target) => ({
    target: target.name,
    ...attempts(() => measureStart(target, full)),
  }))
  let text = ''
  // Round by round, so that what else the machine does falls on every target.
  for (let round = 1; round <= repeat; round++) {
    for (const { target, attempt } of starts) {
      print(`${round}/${repeat} start ${target}`)
      await attempt()
    }
    for (const { case: each, target, attempt } of results) {
      print(`${round}/${repeat} ${Object.values(each).join(' ')} ${target}`)
      const run = await attempt()
      if (run !== undefined) print(summary(run))
    }
    text = await report(results, starts, `${timing.seconds} s after ${timing.warmUpSeconds} s, ${round} rounds`)
    if (write) await writeFile(RESULTS, text)
  }
  process.stdout.write(text)
  const failed = [
    ...results.filter((result) => !isExact(result)).map((result) => ({ ...result, row: Object.values(result.case) })),
    ...starts.filter(({ failures }) => failures.length > 0).map((result) => ({ ...result, row: ['start'] })),
  ].filter(({ target }) => TARGETS[target]?.ours)
  if (failed.length === 0) return
  print(`FAILED: ${failed.map(({ row, target }) => `${row.join(' ')} ${target}`).join(', ')}`)
  process.exitCode = 1
}

/** What repeated measuring comes to; one that fails is noted, and the others go on. */
function attempts<Run>(measure: () => Promise<Run>) {
  const runs: Run[] = []
  const failures: string[] = []
  const attempt = async (): Promise<Run | undefined> => {
    try {
      const run = await measure()
      runs.push(run)
      return run
    } catch (error) {
      failures.push(String(error))
      print(`FAILED: ${String(error)}`)
      return undefined
    }
  }
  return { runs, failures, attempt }
}

async function report(results: readonly Result[], starts: readonly StartResult[], how: string): Promise<string> {
  const go = await goVersion()
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const gib = round(totalmem() / 2 ** 30, 0)
  const ratios = ratioTable(results)
  return (
    [
      '# Results',
      `${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node ${process.version}; ` +
        `Go collector contrib ${GO_COLLECTOR_VERSION}, built with ${go ?? 'no Go'}; ` +
        `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${gib} GiB, Linux ${release()}, load ${LOAD_BEFORE} before; ${how}. ` +
        'Figures move with the machine: compare those of one run.',
      ...(ratios === '' ? [] : ['## Ratios', ratios]),
      ...(results.length === 0 ? [] : ['## Figures', figureTables(results).trimEnd()]),
      ...(starts.length === 0 ? [] : ['## Start', startTable(starts)]),
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  )
}

function summary({ delivered, cpu, pss, p99Ms, lost, doubled }: Measurement): string {
  return (
    `    ${round(delivered, 0)} records/s, ${round(cpu, 2)} CPU s/million, ${round(pss, 0)} MiB PSS, ` +
    `p99 ${round(p99Ms, 1)} ms, ${lost} lost, ${doubled} doubled`
  )
}

function readOptions(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(2)
  }
}

function print(text: string): void {
  process.stderr.write(`${text}\n`)
}
