import type { z } from 'zod'
import type { CommandEntry } from './command.ts'
import type { Component, ComponentSettings } from './component.ts'
import type { LogsConsumer, LogsExporter } from './consumer.ts'

/** How far along a component is, in the collector's words. */
export type Stability = 'development' | 'alpha' | 'beta' | 'stable'

interface FactoryOf<Kind extends string, Config> {
  readonly kind: Kind
  /** The id one writes in the YAML. */
  readonly type: string
  readonly stability: Stability
  /** One line for `components` and the README. */
  readonly description: string
  /** Types, defaults and descriptions of every key; the only place where they stand. */
  readonly config: z.ZodType<Config>
  /** Commands that the component adds to the command line. */
  readonly commands?: readonly CommandEntry[]
}

export interface ReceiverFactory<Config> extends FactoryOf<'receiver', Config> {
  create(settings: ComponentSettings<Config>, next: LogsConsumer): Component
}

/**
 * A processor of today holds no records (DESIGN: nothing acknowledged waits in one): it shapes the pipeline it stands
 * in. `batch` sets how the lanes flush, `memory_limiter` what the byte budget is.
 */
export interface ProcessorFactory<Config> extends FactoryOf<'processor', Config> {
  shape(config: Config): PipelineShape
}

export interface ExporterFactory<Config> extends FactoryOf<'exporter', Config> {
  create(settings: ExporterSettings<Config>): Component & LogsExporter
}

export interface ExtensionFactory<Config> extends FactoryOf<'extension', Config> {
  /** Where several processes are one daemon: it runs once, beside them, and not in each. */
  readonly oneForAll?: true
  /** Of a storage: the directory that holds its queues, `<owner>/0000` and so on. For commands. */
  storageDirectory?(config: Config): string
  create(settings: ComponentSettings<Config>): Component
}

export interface ExporterSettings<Config> extends ComponentSettings<Config> {
  /** What the processors of its pipelines ask of its lanes. */
  readonly shape: PipelineShape
}

/** What processors ask of what comes after them; an absent key asks nothing. */
export interface PipelineShape {
  /** ms a record may wait for a batch to fill. */
  readonly flushIntervalMs?: number
  /** Most events in one put. */
  readonly maxBatchEvents?: number
  /** Bytes for the budget of the process. */
  readonly budgetBytes?: number
  /** The same as a part of the memory limit of the process, 0 to 1; `budgetBytes` goes before it. */
  readonly budgetShare?: number
  /** What is said about it at start, one sentence each. */
  readonly notes?: readonly string[]
}

// A registry holds factories of every config type. What a factory's `create` is fed, its own schema parsed; that `create`
// is written as a method lets the compiler take a `ReceiverFactory<OtlpConfig>` here.
export type AnyReceiverFactory = ReceiverFactory<unknown>
export type AnyProcessorFactory = ProcessorFactory<unknown>
export type AnyExporterFactory = ExporterFactory<unknown>
export type AnyExtensionFactory = ExtensionFactory<unknown>

/** The one list of what can be written in a config; `components.ts` is its only value outside tests. */
export interface ComponentRegistry {
  readonly receivers: readonly AnyReceiverFactory[]
  readonly processors: readonly AnyProcessorFactory[]
  readonly exporters: readonly AnyExporterFactory[]
  readonly extensions: readonly AnyExtensionFactory[]
}
