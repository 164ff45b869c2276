import cluster from 'node:cluster'
import type { BuildInfo } from '../../component/component.ts'
import type { DaemonConfig } from '../../config/daemon-config.ts'
import { createDaemon, type Daemon } from '../daemon.ts'
import { createWorker } from './worker.ts'
import { Workers } from './workers.ts'

/**
 * A daemon of one process, the parent of several, or one of those: whatever the config and who started this process say.
 * @param files that the config was read from: workers do not read them again, as they may have been edited since
 * @throws ComponentError naming the component that cannot be built from its config
 */
export function createProcess(config: DaemonConfig, build: BuildInfo, files: ReadonlyMap<string, string>): Daemon {
  const { workers } = config.service
  if (workers === 1) return createDaemon(config, build)
  if (cluster.isWorker) return createWorker(config, build)
  // Wired once here too, so that what cannot run is said before any process is made.
  const whole = createDaemon(config, build)
  const parent = createDaemon(ofParent(config), build, {
    workers: (logger) => new Workers(workers, [...files], logger),
  })
  return { ...parent, check: () => whole.check() }
}

/** What is one for all workers. */
function ofParent(config: DaemonConfig): DaemonConfig {
  const { service } = config
  const extensions = service.extensions.filter((id) => config.extensions.get(id)?.factory.oneForAll === true)
  return { ...config, receivers: new Map(), exporters: new Map(), service: { ...service, extensions } }
}
