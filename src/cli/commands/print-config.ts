import type { Format, Secrets } from '../../config/describe/print.ts'
import { defineCommand } from '../command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from '../load-config.ts'

const MODES: readonly Secrets[] = ['redacted', 'unredacted']
const FORMATS: readonly Format[] = ['yaml', 'json']

export const command = defineCommand({
  description: 'Prints the effective config: sources merged, references expanded, defaults filled in.',
  options: {
    ...CONFIG_OPTIONS,
    mode: { type: 'string', value: 'MODE', description: 'redacted (default) hides secrets, unredacted shows them' },
    format: { type: 'string', value: 'FORMAT', description: 'yaml (default) or json' },
  },
  async run(values, context) {
    const mode = MODES.find((name) => name === (values.mode ?? 'redacted'))
    const format = FORMATS.find((name) => name === (values.format ?? 'yaml'))
    if (mode === undefined || format === undefined) {
      if (mode === undefined) context.err(`--mode must be redacted or unredacted, not ${JSON.stringify(values.mode)}\n`)
      if (format === undefined) context.err(`--format must be yaml or json, not ${JSON.stringify(values.format)}\n`)
      return 2
    }
    const loaded = await loadConfigFrom(values, context)
    if (loaded === undefined) return 2
    const { formatConfig, printableConfig } = await import('../../config/describe/print.ts')
    context.out(formatConfig(printableConfig(loaded.written, mode), format))
    return 0
  },
})
