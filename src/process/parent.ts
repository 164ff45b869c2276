import type { BuildInfo } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { type Daemon, ServiceDaemon } from '../service/daemon.ts'
import { createSingle } from './single.ts'
import { Workers } from './workers.ts'

/**
 * The parent of the workers: what exists once for all of them.
 * @param files that the config was read from
 * @throws ComponentError naming the component that cannot be built from its config
 */
export function createParent(config: DaemonConfig, build: BuildInfo, files: ReadonlyMap<string, string>): Daemon {
  // Wired as a whole here too, so that an error in the config is reported before a worker is started.
  const whole = createSingle(config, build)
  const { workers: count } = config.service
  const parent = new ServiceDaemon(ofParent(config), build, {
    mode: { kind: 'parent', workers: (logger) => new Workers(count, [...files], logger) },
  })
  return {
    failed: parent.failed,
    start: () => parent.start(),
    shutdown: () => parent.shutdown(),
    check: () => whole.check(),
  }
}

/** The config without receivers and exporters, and with the extensions that run once for all workers. */
function ofParent(config: DaemonConfig): DaemonConfig {
  const { service } = config
  const extensions = service.extensions.filter((id) => config.extensions.get(id)?.factory.oneForAll === true)
  return { ...config, receivers: new Map(), exporters: new Map(), service: { ...service, extensions } }
}
