import type { z } from 'zod'
import type { CommandEntry } from './command.ts'
import type { Component, ComponentSettings } from './component.ts'
import type { LogsConsumer, LogsExporter, PipelineShape } from './consumer.ts'
import type { Hint } from './hint.ts'

export type { PipelineShape } from './consumer.ts'

/** Stability level of a component, in the collector's terms. */
export type Stability = 'development' | 'alpha' | 'beta' | 'stable'

interface FactoryOf<Kind extends string, Config> {
  readonly kind: Kind
  /** The component type as written in the YAML. */
  readonly type: string
  readonly stability: Stability
  /** One line for `components` and the README. */
  readonly description: string
  /** The only definition of every key's type, default and description. */
  readonly config: z.ZodType<Config>
  /** Commands that the component adds to the command line. */
  readonly commands?: readonly CommandEntry[]
  /** Returns lines for the banner of a terminal. Opens nothing. @param configs settings by the id of the component */
  hints?(configs: ReadonlyMap<string, Config>): readonly Hint[]
}

export interface ReceiverFactory<Config> extends FactoryOf<'receiver', Config> {
  /** Whether a client that need not prove who it is can name log groups, from another machine. */
  anyoneNamesDestinations?(config: Config): boolean
  /** Whether requests have their headers or gRPC metadata with them. */
  passesMetadata?(config: Config): boolean
  create(settings: ComponentSettings<Config>, next: LogsConsumer): Component
}

/**
 * A processor holds no records, so that no acknowledged record waits in one: it shapes its pipeline. `batch` sets how the
 * lanes flush, `memory_limiter` sets the byte budget.
 */
export interface ProcessorFactory<Config> extends FactoryOf<'processor', Config> {
  shape(config: Config): PipelineShape
}

/** An option of an exporter that uses metadata of requests. */
export interface MetadataUse {
  /** The option's key. */
  readonly key: string
  /** The metadata's name. */
  readonly name: string
}

export interface ExporterFactory<Config> extends FactoryOf<'exporter', Config> {
  /** Whether the config says which destinations clients may name; absent for an exporter without destinations. */
  restrictsDestinations?(config: Config): boolean
  usesMetadata?(config: Config): readonly MetadataUse[]
  create(settings: ExporterSettings<Config>): Component & LogsExporter
}

export interface ExtensionFactory<Config> extends FactoryOf<'extension', Config> {
  /** With several workers, the extension runs once, in the parent, and not in each worker. */
  readonly oneForAll?: true
  /** Returns the directory of a storage extension, with its queues `<owner>/0000` and so on. For commands. */
  storageDirectory?(config: Config): string
  create(settings: ComponentSettings<Config>): Component
}

export interface ExporterSettings<Config> extends ComponentSettings<Config> {
  /** The lane settings requested by the processors of its pipelines. */
  readonly shape: PipelineShape
}

// A registry holds factories of every config type. A factory's `create` only receives configs that its own schema parsed.
// `create` is declared as a method, so the compiler accepts a `ReceiverFactory<OtlpConfig>` here.
export type AnyReceiverFactory = ReceiverFactory<unknown>
export type AnyProcessorFactory = ProcessorFactory<unknown>
export type AnyExporterFactory = ExporterFactory<unknown>
export type AnyExtensionFactory = ExtensionFactory<unknown>

/** The list of all components that a config can name; `components.ts` is its only value outside tests. */
export interface ComponentRegistry {
  readonly receivers: readonly AnyReceiverFactory[]
  readonly processors: readonly AnyProcessorFactory[]
  readonly exporters: readonly AnyExporterFactory[]
  readonly extensions: readonly AnyExtensionFactory[]
}
