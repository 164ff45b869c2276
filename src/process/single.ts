import type { BuildInfo } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { type Daemon, ServiceDaemon } from '../service/daemon.ts'

/**
 * Creates a daemon of one process.
 * @throws ComponentError naming the component that cannot be built from its config
 */
export function createSingle(config: DaemonConfig, build: BuildInfo): Daemon {
  return new ServiceDaemon(config, build, { mode: { kind: 'single' } })
}
