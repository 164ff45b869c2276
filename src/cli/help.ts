import type { CommandEntry, Option } from '../component/command.ts'
import type { Command } from './command.ts'

export const PROGRAM = 'otlp-cloudwatch'

/** The output of `--help` without a command. */
export function programHelp(commands: readonly Pick<CommandEntry, 'name' | 'summary'>[]): string {
  return `${PROGRAM} ships OpenTelemetry logs into AWS CloudWatch Logs.

Usage: ${PROGRAM} [COMMAND] [OPTIONS]

Commands:
${columns(commands.map(({ name, summary }) => [name, summary]))}

Options:
${columns([
  ['--config URI', 'the config to run; see run --help'],
  ['--help, -h', 'print this help, or the help of a command'],
  ['--version, -v', 'print name and version'],
])}
`
}

/** The output of `--help` with a command. */
export function commandHelp(name: string, { description, options, argument }: Command): string {
  const rows = Object.entries(options).flatMap(([option, { value, description }]: [string, Option]) =>
    description === undefined ? [] : [[`--${option}${value === undefined ? '' : ` ${value}`}`, description] as const],
  )
  const list = columns([...rows, ['--help, -h', 'print this help']])
  const usage = argument === undefined ? '[OPTIONS]' : `[${argument}] [OPTIONS]`
  return `Usage: ${PROGRAM} ${name} ${usage}\n\n${description}\n\nOptions:\n${list}\n`
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')
}
