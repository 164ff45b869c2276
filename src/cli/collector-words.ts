// Unsupported flags and commands of the Go collector, current and former, with what to write instead.

export const COLLECTOR_FLAGS: Readonly<Record<string, string>> = {
  'dry-run': 'run the command validate',
  'log-level': 'write service.telemetry.logs.level in the config',
  'log-format': 'write service.telemetry.logs.encoding in the config',
  'log-profile': 'write service.telemetry.logs.level in the config',
  'metrics-addr': 'write service.telemetry.metrics.readers in the config',
  'metrics-level': 'write service.telemetry.metrics.level in the config',
  'mem-ballast-size-mib': 'remove it: there is no ballast',
  'skip-get-modules': 'remove it: it is an option of the collector builder',
  'config-file': 'write --config',
  validate: 'remove it: print-config always checks the config',
}

export const COLLECTOR_COMMANDS: Readonly<Record<string, string>> = {
  'print-initial-config': 'use print-config, which prints the config with defaults and references resolved',
  featuregate: 'there are no feature gates here',
  completion: 'there are no shell completions',
}

/** Returns the warning about `--feature-gates`; undefined if no gate is named. */
export function warnOfGates(values: readonly string[]): string | undefined {
  const gates = values.flatMap((value) => value.split(',')).map((gate) => gate.trim())
  const named = gates.filter((gate) => gate !== '')
  if (named.length === 0) return undefined
  return `--feature-gates: ignored: ${named.join(', ')}: these are gates of the Go collector; this daemon has none`
}
