import type { Checked } from '../../service/daemon.ts'
import { buildInfo } from '../build-info.ts'
import { defineCommand } from '../command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from '../load-config.ts'

export const command = defineCommand({
  description:
    'Checks a config as run would on this machine, with its environment and directories, and prints what it would do. Opens no port. Exits with 2 if the config cannot run.',
  options: CONFIG_OPTIONS,
  async run(values, context) {
    const loaded = await loadConfigFrom(values, context)
    if (loaded === undefined) return 2
    const [{ summarize }, { describeError }, createDaemon] = await Promise.all([
      import('../summarize.ts'),
      import('../../telemetry/describe-error.ts'),
      context.daemon(),
    ])
    let checked: Checked
    try {
      checked = await createDaemon(loaded.config, buildInfo(), loaded.files).check()
    } catch (error) {
      checked = { problems: [describeError(error)], notes: [] }
    }
    if (checked.problems.length > 0) {
      for (const problem of checked.problems) context.err(`${problem}\n`)
      return 2
    }
    // A yaml: URI is the config itself: it may be long and hold secrets.
    const names = values.config?.map((uri) => (uri.startsWith('yaml:') ? 'yaml:' : uri))
    const source = names?.join(', ') ?? 'The config'
    const notes = checked.notes.map((note) => `  note: ${note}`)
    context.out([`${source} is valid.`, ...summarize(loaded.config, loaded.written), ...notes, ''].join('\n'))
    return 0
  },
})
