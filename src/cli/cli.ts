import { parseArgs } from 'node:util'
import { buildInfo } from './build-info.ts'
import type { CommandEntry, ExitCode, Options, Values } from '../component/command.ts'
import type { Command, CommandContext } from './command.ts'
import { COLLECTOR_COMMANDS, COLLECTOR_FLAGS } from './collector-words.ts'
import { commandHelp, PROGRAM, programHelp } from './help.ts'
import { closest } from '../config/suggest.ts'

type Entry = CommandEntry<Command>

const CONFIG_COMMANDS: readonly Entry[] = [
  { name: 'run', summary: 'run the daemon (default)', load: () => import('./commands/run.ts') },
  {
    name: 'validate',
    summary: 'check a config and print what it would do',
    load: () => import('./commands/validate.ts'),
  },
  {
    name: 'components',
    summary: 'list the components that a config can use',
    load: () => import('./commands/components.ts'),
  },
  {
    name: 'print-config',
    summary: 'print the config with defaults and references resolved',
    load: () => import('./commands/print-config.ts'),
  },
  { name: 'schema', summary: 'print a JSON Schema of the config', load: () => import('./commands/schema.ts') },
]
const DAEMON_COMMANDS: readonly Entry[] = [
  { name: 'health', summary: 'check the health of a running daemon', load: () => import('./commands/health.ts') },
]
/** Commands that can run without loading any component. */
const OWN_COMMANDS = [...CONFIG_COMMANDS, ...DAEMON_COMMANDS]

/**
 * Runs one command line.
 * @param args arguments without the program's name
 */
export async function cli(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const [first = '', ...others] = args
  if (first === '--version' || first === '-v') {
    const { name, version } = buildInfo()
    context.out(`${name} ${version}\n`)
    return 0
  }
  if (first === '--help' || first === '-h' || (first === 'help' && others.length === 0)) {
    context.out(programHelp(await allCommands(context)))
    return 0
  }
  // `help validate` is `validate --help`. Arguments that begin with a dash belong to the default command.
  if (first === 'help') return cli([...others, '--help'], context)
  // `npm start` puts its default first; a command may follow it: `npm start -- validate`.
  const [value = '', command = '', ...rest] = others
  if (first === '--default-config' && command !== '' && !command.startsWith('-'))
    return cli([command, ...rest, first, value], context)
  const isOption = first === '' || first.startsWith('-')
  const name = isOption ? 'run' : first
  const own = OWN_COMMANDS.find((known) => known.name === name)
  if (own !== undefined) return runCommand(own, isOption ? args : others, context)
  const commands = await allCommands(context)
  const twoWords = commands.find((known) => known.name === `${first} ${value}`)
  if (twoWords !== undefined) return runCommand(twoWords, others.slice(1), context)
  const oneWord = commands.find((known) => known.name === name)
  if (oneWord !== undefined) return runCommand(oneWord, others, context)
  const instead = Object.hasOwn(COLLECTOR_COMMANDS, name) ? COLLECTOR_COMMANDS[name] : undefined
  if (instead !== undefined) return refuse(context, `there is no command ${name}: ${instead}`, '')
  const near = closest(
    name,
    commands.map((known) => known.name),
  )
  return refuse(context, `there is no command ${name}${near === undefined ? '' : `; did you mean ${near}?`}`, '')
}

/** Returns all commands in the order of the help. */
async function allCommands({ components }: CommandContext): Promise<readonly Entry[]> {
  const [{ componentCommands }, registry] = await Promise.all([import('./component-commands.ts'), components()])
  return [...CONFIG_COMMANDS, ...componentCommands(registry), ...DAEMON_COMMANDS]
}

async function runCommand(entry: Entry, args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const { command } = await entry.load()
  const parsed = parse(args, command.options, command.argument)
  if (parsed.kind === 'wrong') return refuse(context, parsed.message, ` ${entry.name}`)
  if (!parsed.help) return command.run(parsed.values, context)
  context.out(commandHelp(entry.name, command))
  return 0
}

type Parsed =
  | { readonly kind: 'parsed'; readonly help: boolean; readonly values: Values<Options> }
  | { readonly kind: 'wrong'; readonly message: string }

function parse(args: readonly string[], options: Options, argument: string | undefined): Parsed {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: argument !== undefined,
      args: joinGates(args),
      options: {
        ...Object.fromEntries(
          Object.entries(options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
        ),
        // `npm start` passes it to every command, also to one that reads no config.
        'default-config': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const { help, ...rest } = values
    const [value, ...more] = positionals
    if (more.length > 0) return { kind: 'wrong', message: `one ${argument} is enough: ${more.join(' ')} is too much` }
    const given = value === undefined || argument === undefined ? {} : { [argument]: value }
    return { kind: 'parsed', help: help === true, values: { ...rest, ...given } }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { kind: 'wrong', message: explain(error.message, options) }
  }
}

/** Joins `--feature-gates -a` into one argument: as in the collector, the value may begin with a dash. */
function joinGates(args: readonly string[]): string[] {
  const joined = [...args]
  for (let at = joined.indexOf('--feature-gates'); at >= 0; at = joined.indexOf('--feature-gates', at + 1)) {
    const value = joined[at + 1]
    if (value?.startsWith('-') === true && !value.startsWith('--')) joined.splice(at, 2, `--feature-gates=${value}`)
  }
  return joined
}

/** Returns the first sentence of Node's message, with a suggestion for the option. */
function explain(message: string, options: Options): string {
  const [sentence = message] = message.split('. ')
  const unknown = /^Unknown option '-+([^']*)'/.exec(sentence)?.[1]
  const flag = unknown?.split('=', 1)[0] ?? ''
  if (Object.hasOwn(COLLECTOR_FLAGS, flag)) return `there is no option --${flag}: ${COLLECTOR_FLAGS[flag]}`
  const near = unknown === undefined ? undefined : closest(unknown, [...Object.keys(options), 'help'])
  return near === undefined ? sentence : `${sentence}; did you mean --${near}?`
}

function refuse({ err }: CommandContext, message: string, command: string): ExitCode {
  err(`${PROGRAM}: ${message}\nSee ${PROGRAM}${command} --help.\n`)
  return 2
}
