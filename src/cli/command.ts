import type { ComponentRegistry } from '../component/factory.ts'
import type { Environment } from '../config/sources/retrieve.ts'
import type { createProcess } from '../process/create.ts'

/** 0 stopped cleanly, or all is well; 1 failed while running; 2 bad usage or config: the same command fails again. */
export type ExitCode = 0 | 1 | 2

/** What a command may use of the process around it; `main.ts` has the real one. */
export interface Surroundings {
  readonly env: Environment
  /** Writes to stdout: what was asked for. */
  readonly out: (text: string) => void
  /** Resolves when stdout has room again: to be waited for between pieces of what may be long. */
  readonly outDrained: () => Promise<void>
  /** Writes to stderr: everything else. */
  readonly err: (text: string) => void
  /** Loaded when a command wants it, so that `--version` and `--help` stay quick. */
  readonly components: () => Promise<ComponentRegistry>
  readonly daemon: () => Promise<typeof createProcess>
  /** Files of a config that are not to be read again; see `Outside.files`. */
  readonly filesRead: () => Promise<Map<string, string>>
  /** Resolves at the first SIGTERM, SIGINT or SIGQUIT. */
  readonly stopRequested: Promise<void>
  /** Takes what the process has to say of signals, from now on; without it that goes to stderr as plain text. */
  readonly logTo?: (warn: (message: string, fields: Readonly<Record<string, unknown>>) => void) => void
}

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string
  /** One line for the help; an option without one is not shown there. */
  readonly description?: string
}

export type Options = Readonly<Record<string, Option>>

/** Values as given: none has a default here. */
export type Values<Names extends Options> = {
  readonly [Name in keyof Names]?: Names[Name] extends { multiple: true }
    ? readonly string[]
    : Names[Name] extends { type: 'boolean' }
      ? boolean
      : string
}

export interface Command<Names extends Options = Options> {
  /** What it does, in a few lines, for its help. */
  readonly description: string
  readonly options: Names
  run(values: Values<Names>, surroundings: Surroundings): Promise<ExitCode>
}

/** Lets the compiler work out the names of the options. */
export function defineCommand<const Names extends Options>(command: Command<Names>): Command {
  return command
}
