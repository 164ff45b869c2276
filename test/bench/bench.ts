// What the daemon costs, beside the Go collector. See README.md, or --help.

import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { GO_COLLECTOR_VERSION, goVersion } from './go-collector.ts'
import { type Measurement, measure } from './measure.ts'
import { measureStart, type StartMeasurement } from './measure-start.ts'
import { HELP, type Options, parseOptions } from './options.ts'
import { figureTables, isExact, ratioTable, type Result, type StartResult, startTable } from './report.ts'
import { round } from './statistics.ts'
import { prepare, type Prepared, TARGETS } from './targets.ts'

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
    prepared.map(({ name }) => ({ case: each, target: name, runs: [] as Measurement[], failures: [] as string[] })),
  )
  const starts = start ? prepared.map(({ name }) => ({ target: name, runs: [] as StartMeasurement[] })) : []
  // Round by round, so that what else the machine does falls on every target.
  for (let round = 1; round <= repeat; round++) {
    for (const { target, runs } of starts) {
      tell(`${round}/${repeat} start ${target}`)
      runs.push(await measureStart(named(prepared, target), full))
    }
    for (const { case: each, target, runs, failures } of results) {
      tell(`${round}/${repeat} ${each.row} ${each.protocol} ${each.queue} ${each.rate} ${target}`)
      try {
        const run = await measure(named(prepared, target), each, timing)
        runs.push(run)
        tell(summary(run))
      } catch (error) {
        failures.push(String(error))
        tell(`FAILED: ${String(error)}`)
      }
    }
  }
  const text = await report(results, starts, `${timing.seconds} s after ${timing.warmUpSeconds} s, ${repeat} rounds`)
  process.stdout.write(text)
  if (write) await writeFile(RESULTS, text)
  const failed = results.filter((result) => TARGETS[result.target]?.ours === true && !isExact(result))
  if (failed.length > 0) {
    tell(`FAILED: ${failed.map(({ case: each, target }) => `${Object.values(each).join(' ')} ${target}`).join(', ')}`)
    process.exitCode = 1
  }
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

function named(prepared: readonly Prepared[], name: string): Prepared {
  const found = prepared.find((each) => each.name === name)
  if (found === undefined) throw new Error(`${name} was not prepared`)
  return found
}

function readOptions(): Options | undefined {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(2)
  }
}

function tell(text: string): void {
  process.stderr.write(`${text}\n`)
}
