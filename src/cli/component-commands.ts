import type { CommandEntry, ComponentCommand, StorageDirectories } from '../component/command.ts'
import type { ComponentRegistry } from '../component/factory.ts'
import type { Command, CommandContext } from './command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from './load-config.ts'

/** The commands that the components offer, as commands of the command line. */
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

/** The command with the options that name a config. */
function withConfig(command: ComponentCommand): Command {
  return {
    description: command.description,
    options: { ...CONFIG_OPTIONS, ...command.options },
    run(values, context) {
      const { out, outDrained, err } = context
      return command.run(values, {
        out,
        outDrained,
        err,
        storageDirectories: () => storageDirectories(values, context),
      })
    },
  }
}

async function storageDirectories(
  values: Parameters<typeof loadConfigFrom>[0],
  context: CommandContext,
): Promise<StorageDirectories> {
  // The default config is for `run`: a directory is not guessed.
  if (values.config === undefined) return { kind: 'no_config' }
  const loaded = await loadConfigFrom(values, context)
  if (loaded === undefined) return { kind: 'invalid' }
  const directories = [...loaded.config.extensions.values()].flatMap(
    ({ factory, config }) => factory.storageDirectory?.(config) ?? [],
  )
  return { kind: 'found', directories: [...new Set(directories)] }
}
