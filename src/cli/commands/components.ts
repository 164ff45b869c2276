import { SECTIONS } from '../../config/check/check-components.ts'
import { buildInfo } from '../build-info.ts'
import { defineCommand } from '../command.ts'

export const command = defineCommand({
  description: 'Lists the components that a config can use, with their stability, as YAML.',
  options: {},
  async run(_, { out, components }) {
    const [{ stringify }, registry] = await Promise.all([import('yaml'), components()])
    const { name, version } = buildInfo()
    const sections = SECTIONS.map((section) => [
      section,
      registry[section]
        .map(({ type, stability, description }) => ({
          name: type,
          description,
          stability: { [section === 'extensions' ? 'extension' : 'logs']: capitalize(stability) },
        }))
        .toSorted((a, b) => a.name.localeCompare(b.name)),
    ])
    const list = {
      buildinfo: { command: name, description: 'OTLP logs into AWS CloudWatch Logs', version },
      ...Object.fromEntries(sections),
      providers: ['env', 'file', 'yaml'].map((scheme) => ({ scheme })),
    }
    out(stringify(list, { lineWidth: 0 }))
    return 0
  },
})

/** Capitalizes like the collector: `Beta`. */
function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
