// SeverityNumbers of OTLP for the levels of winston (npm, syslog and cli) and pino, as OpenTelemetry's instrumentations of
// both assign them.

const WINSTON: ReadonlyMap<string, number> = new Map([
  ['emerg', 23],
  ['alert', 22],
  ['crit', 21],
  ['error', 17],
  ['warning', 13],
  ['warn', 13],
  ['help', 11],
  ['notice', 10],
  ['data', 10],
  ['info', 9],
  ['http', 7],
  ['verbose', 6],
  ['debug', 5],
  ['prompt', 4],
  ['input', 2],
  ['silly', 1],
])

/** @returns Returns 0 for a level of the application's own */
export function severityOfWinston(level: string): number {
  return WINSTON.get(level) ?? 0
}

/** Levels of pino and the first SeverityNumber of each. A level between two belongs to the lower one. */
const PINO: readonly (readonly [value: number, label: string, severityNumber: number])[] = [
  [60, 'fatal', 21],
  [50, 'error', 17],
  [40, 'warn', 13],
  [30, 'info', 9],
  [20, 'debug', 5],
  [10, 'trace', 1],
]

export const PINO_LEVELS: ReadonlyMap<string, number> = new Map(PINO.map(([value, label]) => [label, value]))

export function severityOfPino(value: number): number {
  return PINO.find(([least]) => value >= least)?.[2] ?? 0
}
