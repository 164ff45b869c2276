// A worker process: the daemon without the parts that the parent runs for all workers.

import type { BuildInfo } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { describeError } from '../telemetry/describe-error.ts'
import { type Daemon, ServiceDaemon } from '../service/daemon.ts'
import { type Birth, BIRTH } from './messages.ts'
import { ParentLink } from './parent-link.ts'

/** Time reserved for the last message, ms: a worker's timeout ends that much before the parent's. */
const LAST_MESSAGE_MS = 1_000
/** Share of the timeout reserved if it is shorter than ten times `LAST_MESSAGE_MS`. */
const LAST_MESSAGE_SHARE = 0.1

/** Interval at which a changed obstacle is reported to the parent. */
const OBSTACLE_MS = 1_000

/** @throws ComponentError naming the component that cannot be built from its config */
export function createWorker(config: DaemonConfig, build: BuildInfo): Daemon {
  const parent = new ParentLink(1 / config.service.workers, JSON.parse(process.env[BIRTH] ?? '') as Birth)
  const daemon = new ServiceDaemon(ofWorker(config), build, { mode: { kind: 'worker', siblings: parent } })
  const { readings } = daemon
  parent.read = (id) => {
    const reading = { families: readings.families(), report: readings.report() }
    parent.send({ kind: 'reading', id, reading })
  }
  let reported: string | undefined
  const watch = setInterval(() => {
    const obstacle = readings.obstacle()
    if (obstacle === reported) return
    reported = obstacle
    parent.send({ kind: 'obstacle', obstacle })
  }, OBSTACLE_MS)
  watch.unref()
  return {
    failed: daemon.failed,
    check: () => daemon.check(),
    async start() {
      try {
        await daemon.start()
        parent.send({ kind: 'started', ports: [...parent.ports] })
      } catch (error) {
        parent.send({ kind: 'failed', message: describeError(error) })
        throw error
      }
    },
    async shutdown() {
      clearInterval(watch)
      await daemon.shutdown()
      await parent.end({ kind: 'ended', counts: readings.counts() })
    },
  }
}

/** Returns the config without the parts that run in the parent: extensions for all processes and the metrics server. */
function ofWorker(config: DaemonConfig): DaemonConfig {
  const { service } = config
  const extensions = service.extensions.filter((id) => config.extensions.get(id)?.factory.oneForAll !== true)
  const telemetry = { ...service.telemetry, metrics: { ...service.telemetry.metrics, level: 'none' as const } }
  const { shutdownTimeoutMs: wholeMs } = service
  const shutdownTimeoutMs = wholeMs - Math.min(LAST_MESSAGE_MS, wholeMs * LAST_MESSAGE_SHARE)
  return { ...config, service: { ...service, extensions, telemetry, shutdownTimeoutMs } }
}
