// A command line in this process, with the components of the daemon.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { components } from '../../../../../src/components.ts'
import { type Outcome, runCli } from '../../../cli/run-cli.ts'

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stopRequested?: Promise<void>
  /** Called with each piece of stderr. */
  readonly onErr?: (text: string) => void
}

/** @param exporters by id; all of them are in the one pipeline */
export function cliWith(
  exporters: Readonly<Record<string, object>>,
  args: readonly string[],
  {
    processors = {},
    env = {},
    stopRequested,
  }: CliOptions & { readonly processors?: Readonly<Record<string, object>> } = {},
): Promise<Outcome> {
  const [command = '', ...rest] = args
  const config = {
    receivers: { otlp: { protocols: { http: {} } } },
    processors,
    exporters,
    extensions: { file_storage: { directory: tmpdir() } },
    service: {
      extensions: ['file_storage'],
      pipelines: {
        logs: { receivers: ['otlp'], processors: Object.keys(processors), exporters: Object.keys(exporters) },
      },
    },
  }
  return runCli([command, '--config', `yaml:${JSON.stringify(config)}`, ...rest], {
    components: async () => components,
    env,
    ...(stopRequested === undefined ? {} : { stopRequested }),
  })
}

/** Writes a file that goes with the test. */
export async function fileWith(content: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'input')
  await writeFile(file, content)
  return file
}
