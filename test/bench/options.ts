import { parseArgs } from 'node:util'
import type { Timing } from './measure/measure.ts'
import { type Case, plan, PROTOCOLS, QUEUES, QUICK_ROWS, RATES, rowNamed, ROWS } from './rows.ts'
import { TARGETS } from './targets/targets.ts'

export interface Options {
  readonly cases: readonly Case[]
  readonly start: boolean
  readonly targets: readonly string[]
  readonly timing: Timing
  readonly repeat: number
  readonly full: boolean
  readonly write: boolean
}

const list = (entries: Readonly<Record<string, { readonly about: string }>>) =>
  Object.entries(entries)
    .map(([name, { about }]) => `  ${name.padEnd(9)} ${about}`)
    .join('\n')

export const HELP = `What the daemon costs, beside the Go collector: records a second, CPU, memory, latency.

Usage: npm run bench -- [ROWS] [OPTIONS]      rows of the quick mode: ${QUICK_ROWS.join(', ')}; of --full: all

Rows:
${list(ROWS)}
  start     time until ready and RSS then; with --full, a minute after a million records too

Targets:
${list(TARGETS)}

Options, lists with commas; quick mode: dist and go, http, max, 5 s:
  --target NAMES     of those above; with --full: dist, go, go-tuned
  --protocol NAMES   ${PROTOCOLS.join(', ')}
  --queue NAMES      ${QUEUES.join(', ')}
  --rate NAMES       ${RATES.join(', ')}, or any number of records a second
  --seconds N        measured, after a warm-up
  --warm-up N        seconds
  --repeat N         rounds over everything; tables show the median and from where to where it went
  --full             every row in all its variations, 60 s each after 10 s of warm-up: over two hours a round
  --write            into test/bench/RESULTS.md, after each round
`

/** @returns undefined if help was asked for. @throws Error for what cannot be meant */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      target: { type: 'string' },
      protocol: { type: 'string' },
      queue: { type: 'string' },
      rate: { type: 'string' },
      seconds: { type: 'string' },
      'warm-up': { type: 'string' },
      repeat: { type: 'string', default: '1' },
      full: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const { full } = values
  const rows = positionals.length > 0 ? positionals : full ? [...Object.keys(ROWS), 'start'] : QUICK_ROWS
  const measured = rows.filter((row) => row !== 'start')
  const quick = (row: string) => (full ? undefined : [rowNamed(row).rates[0] ?? 'max'])
  return {
    cases: measured.flatMap((row) =>
      plan({
        rows: [row],
        protocols: some(values.protocol, PROTOCOLS) ?? (full ? undefined : ['http']),
        queues: some(values.queue, QUEUES),
        rates: values.rate?.split(',').map(rate) ?? quick(row),
      }),
    ),
    start: rows.includes('start'),
    targets: some(values.target, Object.keys(TARGETS)) ?? (full ? ['dist', 'go', 'go-tuned'] : ['dist', 'go']),
    timing: {
      seconds: positive(values.seconds ?? (full ? '60' : '5')),
      warmUpSeconds: positive(values['warm-up'] ?? (full ? '10' : '2')),
    },
    repeat: positive(values.repeat),
    full,
    write: values.write,
  }
}

function some<const Name extends string>(text: string | undefined, names: readonly Name[]): Name[] | undefined {
  return text?.split(',').map((given) => {
    const name = names.find((name) => name === given)
    if (name === undefined) throw new Error(`${given} is none of ${names.join(', ')}`)
    return name
  })
}

function rate(text: string): string {
  return text === 'max' ? text : String(positive(text))
}

function positive(text: string): number {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`${text} is not a number above 0`)
  return number
}
