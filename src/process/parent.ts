import type { BuildInfo } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { type Daemon, ServiceDaemon } from '../service/daemon.ts'
import { createSingle } from './single.ts'
import { Workers } from './workers.ts'

/**
 * Creates the parent of the workers: the parts that exist once for all of them.
 * @param files the config files as read
 * @throws ComponentError naming the component that cannot be built from its config
 */
export function createParent(config: DaemonConfig, build: BuildInfo, files: ReadonlyMap<string, string>): Daemon {
  // Wire the whole config here too, so that an error in it is reported before a worker starts.
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

/** Returns the config without receivers and exporters, and with only the extensions that run once for all workers. */
function ofParent(config: DaemonConfig): DaemonConfig {
  const { service } = config
  const extensions = service.extensions.filter((id) => config.extensions.get(id)?.factory.oneForAll === true)
  return { ...config, receivers: new Map(), exporters: new Map(), service: { ...service, extensions } }
}
