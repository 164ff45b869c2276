// A command that a component adds to the command line.

/** 0 it stopped cleanly, or all is well; 1 it failed while running; 2 bad usage or config: the same command fails again. */
export type ExitCode = 0 | 1 | 2

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** The placeholder of the value in the help: `FILE`. */
  readonly value?: string
  /** One line for the help; an option without one is not shown there. */
  readonly description?: string
}

export type Options = Readonly<Record<string, Option>>

/** Values as given: none has a default here. An argument has the name of its placeholder. */
export type Values<Names extends Options> = {
  readonly [argument: Uppercase<string>]: string
} & {
  readonly [Name in keyof Names]?: Names[Name] extends { multiple: true }
    ? readonly string[]
    : Names[Name] extends { type: 'boolean' }
      ? boolean
      : string
}

export interface Output {
  /** Writes to stdout: what was asked for. */
  readonly out: (text: string) => void
  /** Resolves when stdout has room again. To be awaited between the pieces of an answer that may be long. */
  readonly outDrained: () => Promise<void>
  /** Writes to stderr: everything else. */
  readonly err: (text: string) => void
}

/** The part of the process that a component's command may use. */
export interface CommandHost extends Output {
  readonly env: NodeJS.ProcessEnv
  /** Whether stdout shows colors. */
  readonly colors: boolean
  /** Resolves at the first SIGTERM, SIGINT or SIGQUIT. */
  readonly stopRequested: Promise<void>
  /** The exporters of this type in the config that the command line names, in its order. */
  exporterConfigs(type: string): Promise<ExporterConfigs>
  /** Reads the config that the command line names, once for each call. */
  storageDirectories(): Promise<StorageDirectories>
}

export type StorageDirectories =
  /** The directories of the storage extensions that run; there may be none. */
  | { readonly kind: 'found'; readonly directories: readonly string[] }
  /** The command line names no config. */
  | { readonly kind: 'no_config' }
  /** The config cannot run; the reason is on stderr. */
  | { readonly kind: 'invalid' }

export type ExporterConfigs =
  | { readonly kind: 'found'; readonly configs: ReadonlyMap<string, unknown> }
  /** The command line names no config. */
  | { readonly kind: 'no_config' }
  /** The config cannot run; the reason is on stderr. */
  | { readonly kind: 'invalid' }

export interface ComponentCommand<Names extends Options = Options> {
  /** A few lines for its help. */
  readonly description: string
  /** Without those that name a config: the command line adds them. */
  readonly options: Names
  /** The placeholder of an argument beside the options, such as GROUP. Its value has this name among the values. */
  readonly argument?: string
  run(values: Values<Names>, host: CommandHost): Promise<ExitCode>
}

/** A command before it is loaded. */
export interface CommandEntry<Command = ComponentCommand> {
  /** One word, or two. */
  readonly name: string
  /** A few words for `--help`. */
  readonly summary: string
  readonly load: () => Promise<{ readonly command: Command }>
}

/** Lets the compiler infer the names of the options. */
export function defineComponentCommand<const Names extends Options>(
  command: ComponentCommand<Names>,
): ComponentCommand {
  return command
}
