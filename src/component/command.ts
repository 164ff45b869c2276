// A command that a component adds to the command line.

import type { PipelineShape } from './consumer.ts'

/** 0: success or a clean stop. 1: failed while running. 2: bad usage or config, so the same command fails again. */
export type ExitCode = 0 | 1 | 2

export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** Placeholder of the value in the help: `FILE`. */
  readonly value?: string
  /** One line for the help, which omits options without a description. */
  readonly description?: string
}

export type Options = Readonly<Record<string, Option>>

/** Values as given, without defaults. An argument has the name of its placeholder. */
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
  /** Writes results to stdout. */
  readonly out: (text: string) => void
  /** Resolves when stdout has room again. Await it between the pieces of long output. */
  readonly outDrained: () => Promise<void>
  /** Writes everything else to stderr. */
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
  /** Reads the config that the command line names, at each call. */
  storageDirectories(): Promise<StorageDirectories>
  /** The pipelines of the config that `run` would use with this command line and environment. */
  pipelines(): Promise<Pipelines>
}

/** A part of the config that the command line names. */
export type FromConfig<Found> =
  | ({ readonly kind: 'found' } & Found)
  /** The command line names no config. */
  | { readonly kind: 'no_config' }
  /** The config is invalid; the reason was written to stderr. */
  | { readonly kind: 'invalid' }

/** The directories of the active storage extensions; there may be none. */
export type StorageDirectories = FromConfig<{ readonly directories: readonly string[] }>

/** The pipelines of a config; `no_config` never occurs, since its absence is an error on stderr. */
export type Pipelines = FromConfig<{
  readonly pipelines: readonly Pipeline[]
  /** Bytes of the byte budget that the daemon would have on this machine. */
  readonly budgetBytes: number
}>

/** A pipeline as the daemon would build it. */
export interface Pipeline {
  /** `logs`, or `logs/name`. */
  readonly name: string
  /** Ids. */
  readonly receivers: readonly string[]
  readonly processors: readonly { readonly id: string; readonly shape: PipelineShape }[]
  readonly exporters: readonly PipelineExporter[]
}

export interface PipelineExporter {
  /** Id as written in the config. */
  readonly id: string
  readonly type: string
  /** The output of the exporter's own schema. */
  readonly config: unknown
  /** The lane settings that the processors of all its pipelines request. */
  readonly shape: PipelineShape
}

/** Settings by the id of the exporter. */
export type ExporterConfigs = FromConfig<{ readonly configs: ReadonlyMap<string, unknown> }>

export interface ComponentCommand<Names extends Options = Options> {
  /** A few lines for its help. */
  readonly description: string
  /** Options of the command; the command line adds those that name a config. */
  readonly options: Names
  /** The placeholder of a positional argument, such as GROUP. Its value has this name. */
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
