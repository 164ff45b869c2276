import type { CommandEntry, ComponentCommand, ExporterConfigs, StorageDirectories } from '../component/command.ts'
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
      })
    },
  }
}

async function exporterConfigs(
  type: string,
  values: Parameters<typeof loadConfigFrom>[0],
  context: CommandContext,
): Promise<ExporterConfigs> {
  if (values.config === undefined && values['default-config'] === undefined) return { kind: 'no_config' }
  const loaded = await loadConfigFrom(values, context)
  if (loaded === undefined) return { kind: 'invalid' }
  const ofType = [...loaded.config.exporters].filter(([, { factory }]) => factory.type === type)
  return { kind: 'found', configs: new Map(ofType.map(([id, { config }]) => [id, config])) }
}

async function storageDirectories(
  values: Parameters<typeof loadConfigFrom>[0],
  context: CommandContext,
): Promise<StorageDirectories> {
  // The default config is only for `run`: directories are not guessed.
  if (values.config === undefined) return { kind: 'no_config' }
  const loaded = await loadConfigFrom(values, context)
  if (loaded === undefined) return { kind: 'invalid' }
  const directories = [...loaded.config.extensions.values()].flatMap(
    ({ factory, config }) => factory.storageDirectory?.(config) ?? [],
  )
  return { kind: 'found', directories: [...new Set(directories)] }
}
