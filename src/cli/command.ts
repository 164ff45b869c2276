import type { ExitCode, Options, Output, Values } from '../component/command.ts'
import type { ComponentRegistry } from '../component/factory.ts'
import type { Environment } from '../config/sources/retrieve.ts'
import type { createProcess } from '../process/create.ts'

/** The parts of the process that a command may use; `main.ts` has the real one. */
export interface CommandContext extends Output {
  readonly env: Environment
  /** Loaded on demand, so that `--version` and a `health` probe stay fast. */
  readonly components: () => Promise<ComponentRegistry>
  readonly daemon: () => Promise<typeof createProcess>
  /** Config files that must not be read again; see `Outside.files`. */
  readonly filesRead: () => Promise<Map<string, string>>
  /** Whether stdout shows colors. Default false. */
  readonly colors?: boolean
  /** Whether stdout is a terminal. Default false. */
  readonly terminal?: boolean
  /** Whether this is a worker, which has the arguments and the terminal of its parent. Default false. */
  readonly isWorker?: boolean
  /** Node as it was typed, and the path of the script. Default: the program's own name is on the path. */
  readonly launchedBy?: readonly [node: string, script: string]
  /** Resolves at the first SIGTERM, SIGINT or SIGQUIT. */
  readonly stopRequested: Promise<void>
  /** Sets the logger for messages about signals; without it they go to stderr as plain text. */
  readonly logTo?: (warn: (message: string, fields: Readonly<Record<string, unknown>>) => void) => void
}

export interface Command<Names extends Options = Options> {
  /** A few lines for its help. */
  readonly description: string
  readonly options: Names
  /** The placeholder of an argument beside the options. */
  readonly argument?: string
  run(values: Values<Names>, context: CommandContext): Promise<ExitCode>
}

/** Lets the compiler infer the names of the options. */
export function defineCommand<const Names extends Options>(command: Command<Names>): Command {
  return command
}
