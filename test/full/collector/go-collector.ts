// The Go collector as a process of the test that starts it; built by test/bench/targets/go-collector.ts.
import { spawn } from 'node:child_process'
import { CLEAN_ENVIRONMENT, Daemon, endWithTest } from '../../integration/daemon/daemon.ts'

/** What its log says when all of its components have started. */
const READY = 'Everything is ready'

/**
 * @param program path of the collector
 * @param file its config, whose log has to be in JSON
 * @throws Error with what it said, if it ends before it is ready
 */
export async function startGoCollector(
  program: string,
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<Daemon> {
  const child = spawn(program, ['--config', file], {
    env: { ...CLEAN_ENVIRONMENT, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithTest(child)
  const collector = new Daemon(child)
  await collector.says((log) => log.some(({ msg }) => msg.startsWith(READY)))
  return collector
}
