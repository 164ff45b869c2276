import type {
  CommandEntry,
  ComponentCommand,
  ExporterConfigs,
  FromConfig,
  Pipelines,
  StorageDirectories,
} from '../component/command.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import type { ComponentRegistry } from '../component/factory.ts'
import type { Command, CommandContext } from './command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from './load-config.ts'

/** Returns the commands that components offer. */
export function componentCommands(registry: ComponentRegistry): readonly CommandEntry<Command>[] {
  const { receivers, processors, exporters, extensions } = registry
  return [...receivers, ...processors, ...exporters, ...extensions].flatMap(({ commands = [] }) =>
    commands.map(({ name, summary, load }) => ({
      name,
      summary,
      load: async () => ({ command: withConfig((await load()).command) }),
    })),
  )
}

/** Adds the options that name a config. */
function withConfig(command: ComponentCommand): Command {
  return {
    ...command,
    options: { ...CONFIG_OPTIONS, ...command.options },
    run(values, context) {
      const { out, outDrained, err, env, colors = false, stopRequested } = context
      return command.run(values, {
        out,
        outDrained,
        err,
        env: { ...env },
        colors,
        stopRequested,
        exporterConfigs: (type) => exporterConfigs(type, values, context),
        storageDirectories: () => storageDirectories(values, context),
        pipelines: () => pipelines(values, context),
      })
    },
  }
}

type Given = Parameters<typeof loadConfigFrom>[0]

async function exporterConfigs(type: string, values: Given, context: CommandContext): Promise<ExporterConfigs> {
  const isNamed = values.config !== undefined || values['default-config'] !== undefined
  return fromConfig(isNamed, values, context, ({ exporters }) => {
    const ofType = [...exporters].filter(([, { factory }]) => factory.type === type)
    return { configs: new Map(ofType.map(([id, { config }]) => [id, config])) }
  })
}

async function storageDirectories(values: Given, context: CommandContext): Promise<StorageDirectories> {
  // The default config is only for `run`: directories are not guessed.
  return fromConfig(values.config !== undefined, values, context, ({ extensions }) => {
    const found = [...extensions.values()].flatMap(({ factory, config }) => factory.storageDirectory?.(config) ?? [])
    return { directories: [...new Set(found)] }
  })
}

async function pipelines(values: Given, context: CommandContext): Promise<Pipelines> {
  const [{ shapesOf }, { memoryLimit, sizeBudget }] = await Promise.all([
    import('../service/shapes.ts'),
    import('../service/memory/memory.ts'),
  ])
  return fromConfig(true, values, context, (config) => {
    const shapes = shapesOf(config)
    return {
      budgetBytes: sizeBudget(memoryLimit(), [...shapes.processors.values()]).bytes,
      pipelines: [...config.service.pipelines].map(([name, { receivers, processors, exporters }]) => ({
        name,
        receivers,
        processors: processors.map((id) => ({ id, shape: shapes.processors.get(id) ?? {} })),
        exporters: exporters.flatMap((id) => {
          const exporter = config.exporters.get(id)
          const shape = shapes.exporters.get(id) ?? {}
          return exporter === undefined ? [] : [{ id, type: exporter.factory.type, config: exporter.config, shape }]
        }),
      })),
    }
  })
}

async function fromConfig<Found>(
  isNamed: boolean,
  values: Given,
  context: CommandContext,
  read: (config: DaemonConfig) => Found,
): Promise<FromConfig<Found>> {
  if (!isNamed) return { kind: 'no_config' }
  const loaded = await loadConfigFrom(values, context)
  return loaded === undefined ? { kind: 'invalid' } : { kind: 'found', ...read(loaded.config) }
}
