// Flags and commands of the Go collector, of today and of before, that are not here: what to write instead.

export const COLLECTOR_FLAGS: Readonly<Record<string, string>> = {
  'dry-run': 'run the command validate',
  'log-level': 'write service.telemetry.logs.level in the config',
  'log-format': 'write service.telemetry.logs.encoding in the config',
  'log-profile': 'write service.telemetry.logs.level in the config',
  'metrics-addr': 'write service.telemetry.metrics.readers in the config',
  'metrics-level': 'write service.telemetry.metrics.level in the config',
  'mem-ballast-size-mib': 'leave it out: there is no ballast',
  'skip-get-modules': 'leave it out: it belongs to the builder of the collector',
  'config-file': 'write --config',
  validate: 'leave it out: print-config checks the config in any case',
}

export const COLLECTOR_COMMANDS: Readonly<Record<string, string>> = {
  'print-initial-config': 'print-config prints the config as it would run',
  featuregate: 'there are no feature gates here',
  completion: 'there are no completions for shells',
}

/** The warning about `--feature-gates`; undefined if no gate is named. */
export function warnOfGates(values: readonly string[]): string | undefined {
  const gates = values.flatMap((value) => value.split(',')).map((gate) => gate.trim())
  const named = gates.filter((gate) => gate !== '')
  if (named.length === 0) return undefined
  return `--feature-gates: ignored: ${named.join(', ')}: these are gates of the Go collector, and there are none here`
}
