// The banner of a terminal: where to send, where records are stored, and the command that reads them.

import { basename, relative } from 'node:path'
import type { Values } from '../component/command.ts'
import type { Hint } from '../component/hint.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { hasScheme } from '../config/sources/retrieve.ts'
import { exporterVariables } from '../config/sources/variables.ts'
import { buildInfo } from './build-info.ts'
import type { CommandContext } from './command.ts'
import { PROGRAM } from './help.ts'
import type { CONFIG_OPTIONS } from './load-config.ts'

const RESET = '\u001b[0m'
const BOLD = '\u001b[1m'
const CYAN = '\u001b[36m'
const VERB_WIDTH = 5

type Given = Values<typeof CONFIG_OPTIONS>

/** Returns the banner. @param given the options that named the config */
export function banner(config: DaemonConfig, given: Given, context: CommandContext): string {
  const { colors = false, env } = context
  const paint = (text: string, color: string) => (colors ? `${color}${text}${RESET}` : text)
  const { name, version } = buildInfo()
  const start = given['default-config'] === undefined ? programOf(context) : 'npm start --'
  const configOptions = repeatedOptions(given, env)
  const lines: string[] = []
  let last = ''
  for (const hint of hintsOf(config)) {
    const verb = hint.about === last ? '' : hint.about
    last = hint.about
    const text = hint.about === 'read' ? commandLine(start, hint, configOptions) : hint.text
    lines.push(`  ${paint(verb.padEnd(VERB_WIDTH), BOLD)}  ${paint(oneLine(text), CYAN)}\n`)
  }
  return `\n  ${paint(`${name} ${version} is ready`, BOLD)}\n\n${lines.join('')}\n`
}

/** Returns the hints of all components, in the order of the path of a record. */
function hintsOf({ receivers, exporters }: DaemonConfig): Hint[] {
  const hints = [...hintsIn(receivers), ...hintsIn(exporters)]
  return (['send', 'store', 'read'] as const).flatMap((about) => hints.filter((hint) => hint.about === about))
}

function hintsIn(section: DaemonConfig['receivers'] | DaemonConfig['exporters']): Hint[] {
  const factories = new Set([...section.values()].map(({ factory }) => factory))
  return [...factories].flatMap((factory) => {
    const own = [...section].filter(([, configured]) => configured.factory === factory)
    return factory.hints?.(new Map(own.map(([id, { config }]) => [id, config]))) ?? []
  })
}

/** How this program was started, for a shell in the same directory. */
function programOf({ launchedBy: [node, script] = ['', PROGRAM], env }: CommandContext): string {
  if (basename(script) === PROGRAM) return env['npm_command'] === 'exec' ? `npx ${PROGRAM}` : PROGRAM
  const path = relative('', script)
  return `${quoted(node)} ${quoted(path.startsWith('..') ? script : path)}`
}

/**
 * Returns the options that name the same config in another shell; undefined if it has to do without. Variables may be missing
 * there, and `yaml:` and `--set` may hold secrets.
 */
function repeatedOptions(given: Given, env: CommandContext['env']): readonly string[] | undefined {
  const { config = [], set = [] } = given
  if (set.length > 0 || config.some((uri) => hasScheme(uri) && !uri.startsWith('file:'))) return undefined
  if (config.length > 0) return config.flatMap((uri) => ['--config', uri])
  const isFromVariables = exporterVariables(env).length > 0
  return given['default-config'] === undefined || isFromVariables ? undefined : []
}

function commandLine(
  program: string,
  { command, options, withoutConfig }: Hint & { readonly about: 'read' },
  configOptions: readonly string[] | undefined,
): string {
  return [program, command, ...[...options, ...(configOptions ?? withoutConfig)].map(quoted)].join(' ')
}

/** Quotes an argument for a POSIX shell. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`
}

/** A value of the config must not move the cursor. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}
