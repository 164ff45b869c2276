import type { ExitCode, Options, Output, Values } from '../component/command.ts'
import type { ComponentRegistry } from '../component/factory.ts'
import type { Environment } from '../config/sources/retrieve.ts'
import type { createProcess } from '../process/create.ts'

/** What a command may use of the process around it; `main.ts` has the real one. */
export interface CommandContext extends Output {
  readonly env: Environment
  /** Loaded when a command wants it, so that `--version` stays quick, and so does a probe by `health`. */
  readonly components: () => Promise<ComponentRegistry>
  readonly daemon: () => Promise<typeof createProcess>
  /** Files of a config that are not to be read again; see `Outside.files`. */
  readonly filesRead: () => Promise<Map<string, string>>
  /** Whether stdout shows colors. Default false. */
  readonly colors?: boolean
  /** Resolves at the first SIGTERM, SIGINT or SIGQUIT. */
  readonly stopRequested: Promise<void>
  /** Takes what the process has to say of signals, from now on; without it that goes to stderr as plain text. */
  readonly logTo?: (warn: (message: string, fields: Readonly<Record<string, unknown>>) => void) => void
}

export interface Command<Names extends Options = Options> {
  /** What it does, in a few lines, for its help. */
  readonly description: string
  readonly options: Names
  /** The placeholder of an argument beside the options. */
  readonly argument?: string
  run(values: Values<Names>, context: CommandContext): Promise<ExitCode>
}

/** Lets the compiler work out the names of the options. */
export function defineCommand<const Names extends Options>(command: Command<Names>): Command {
  return command
}
