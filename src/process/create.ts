import cluster from 'node:cluster'
import type { BuildInfo } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import type { Daemon } from '../service/daemon.ts'
import { createParent } from './parent.ts'
import { createSingle } from './single.ts'
import { createWorker } from './worker.ts'

/**
 * Creates a daemon of one process, a parent or a worker, depending on `service.workers` and on who started this process.
 * @param files the config files as read: workers get these, because the files may have been edited since
 * @throws ComponentError naming the component that cannot be built from its config
 */
export function createProcess(config: DaemonConfig, build: BuildInfo, files: ReadonlyMap<string, string>): Daemon {
  if (config.service.workers === 1) return createSingle(config, build)
  return cluster.isWorker ? createWorker(config, build) : createParent(config, build, files)
}
