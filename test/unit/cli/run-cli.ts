import { cli } from '../../../src/cli/cli.ts'
import type { CommandContext } from '../../../src/cli/command.ts'
import type { ExitCode } from '../../../src/component/command.ts'
import type { DaemonConfig } from '../../../src/config/daemon-config.ts'
import type { Checked, Daemon } from '../../../src/service/daemon.ts'
import { GOOD, registry } from '../config/sample-registry.ts'

export const CONFIG = ['--config', `yaml:${GOOD}`]

/** A daemon that records its calls, and fails as configured. */
export class FakeDaemon implements Daemon {
  readonly calls: string[] = []
  config: DaemonConfig | undefined
  readonly #failure = Promise.withResolvers<Error>()
  readonly failed = this.#failure.promise
  startsWith: () => Promise<void> = async () => {}
  checked: Checked = { problems: [], notes: [] }

  start(): Promise<void> {
    this.calls.push('start')
    return this.startsWith()
  }

  async check(): Promise<Checked> {
    return this.checked
  }

  async shutdown(): Promise<void> {
    this.calls.push('shutdown')
  }

  fail(): void {
    this.#failure.resolve(new Error('cannot go on'))
  }
}

export interface Outcome {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

/** Runs a command line with the sample components. */
export async function runCli(
  args: readonly string[],
  { daemon = new FakeDaemon(), ...context }: Partial<Omit<CommandContext, 'daemon'>> & { daemon?: FakeDaemon } = {},
): Promise<Outcome> {
  let out = ''
  let err = ''
  const code = await cli(args, {
    env: {},
    out: (text) => void (out += text),
    outDrained: async () => {},
    err: (text) => void (err += text),
    components: async () => registry,
    daemon: async () => (config) => {
      daemon.config = config
      return daemon
    },
    filesRead: async () => new Map(),
    stopRequested: new Promise(() => {}),
    ...context,
  })
  return { code, out, err }
}
