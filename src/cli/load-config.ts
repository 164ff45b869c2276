import type { DaemonConfig } from '../config/daemon-config.ts'
import type { WrittenConfig } from '../config/load.ts'
import { warnOfGates } from './collector-words.ts'
import type { Options, Values } from '../component/command.ts'
import type { CommandContext } from './command.ts'

/** The options of every command that reads a config. */
export const CONFIG_OPTIONS = {
  config: {
    type: 'string',
    multiple: true,
    value: 'URI',
    description: 'a file, or file:PATH, env:NAME, yaml:TEXT; several are merged in order',
  },
  set: {
    type: 'string',
    multiple: true,
    value: 'KEY=VALUE',
    description: 'set one key, such as exporters.debug.verbosity=detailed; merged last',
  },
  'feature-gates': {
    type: 'string',
    multiple: true,
    value: 'GATES',
    description: 'accepted for compatibility with the Go collector; ignored with a warning',
  },
  // For `npm start`: the config if no other is given. Never merged.
  'default-config': { type: 'string' },
} as const satisfies Options

/** Loads the config that the options and the environment name. Returns undefined if none can run; the reason is on stderr. */
export async function loadConfigFrom(
  values: Values<typeof CONFIG_OPTIONS>,
  { env, err, components, filesRead }: CommandContext,
): Promise<{ config: DaemonConfig; written: WrittenConfig; files: ReadonlyMap<string, string> } | undefined> {
  const [{ loadConfig }, { formatProblem }, registry] = await Promise.all([
    import('../config/load.ts'),
    import('../config/yaml/findings.ts'),
    components(),
  ])
  const ignored = warnOfGates(values['feature-gates'] ?? [])
  // Workers have the arguments of their parent, which has printed the warning.
  const files = await filesRead()
  if (ignored !== undefined && files.size === 0) err(`${ignored}\n`)
  const defaultUri = values['default-config']
  const loaded = loadConfig({
    uris: values.config ?? [],
    sets: values.set ?? [],
    ...(defaultUri === undefined ? {} : { defaultUri }),
    env,
    files,
    registry,
  })
  switch (loaded.kind) {
    case 'loaded':
      return { ...loaded, files }
    case 'nothing':
      err(
        'There is no config: pass --config FILE, or set OTLP_CLOUDWATCH__LOG_GROUP_NAME and other OTLP_CLOUDWATCH__* variables.\n',
      )
      return undefined
    case 'invalid':
      for (const problem of loaded.problems) err(`${formatProblem(problem)}\n`)
      return undefined
  }
}
