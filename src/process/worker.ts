// A process of several, seen from inside: the daemon without what the parent does for all of them.

import type { BuildInfo } from '../component/component.ts'
import type { DaemonConfig } from '../config/daemon-config.ts'
import { describeError } from '../telemetry/describe-error.ts'
import { type Daemon, ServiceDaemon } from '../service/daemon.ts'
import { type Birth, BIRTH } from './messages.ts'
import { ParentLink } from './parent-link.ts'

/** Less than the parent has, ms: its last word is to be heard before the parent's own time is over. */
const LAST_WORD_MS = 1_000
/** Of a timeout that is shorter than ten times that. */
const LAST_WORD_SHARE = 0.1

/** How often the parent hears what keeps records from being taken, if that has changed. */
const OBSTACLE_MS = 1_000

/** @throws ComponentError naming the component that cannot be built from its config */
export function createWorker(config: DaemonConfig, build: BuildInfo): Daemon {
  const parent = new ParentLink(1 / config.service.workers, JSON.parse(process.env[BIRTH] ?? '') as Birth)
  const daemon = new ServiceDaemon(ofWorker(config), build, { mode: { kind: 'worker', siblings: parent } })
  const { readings } = daemon
  parent.read = (id) => {
    const reading = { families: readings.families(), report: readings.report() }
    parent.say({ kind: 'reading', id, reading })
  }
  let told: string | undefined
  const watch = setInterval(() => {
    const obstacle = readings.obstacle()
    if (obstacle === told) return
    told = obstacle
    parent.say({ kind: 'obstacle', obstacle })
  }, OBSTACLE_MS)
  watch.unref()
  return {
    failed: daemon.failed,
    check: () => daemon.check(),
    async start() {
      try {
        await daemon.start()
        parent.say({ kind: 'started', ports: [...parent.ports] })
      } catch (error) {
        parent.say({ kind: 'failed', message: describeError(error) })
        throw error
      }
    },
    async shutdown() {
      clearInterval(watch)
      await daemon.shutdown()
      await parent.end({ kind: 'ended', accounts: readings.accounts() })
    },
  }
}

/** Extensions that are for all processes run in the parent, and so does what answers scrapes. */
function ofWorker(config: DaemonConfig): DaemonConfig {
  const { service } = config
  const extensions = service.extensions.filter((id) => config.extensions.get(id)?.factory.oneForAll !== true)
  const telemetry = { ...service.telemetry, metrics: { ...service.telemetry.metrics, level: 'none' as const } }
  const { shutdownTimeoutMs: wholeMs } = service
  const shutdownTimeoutMs = wholeMs - Math.min(LAST_WORD_MS, wholeMs * LAST_WORD_SHARE)
  return { ...config, service: { ...service, extensions, telemetry, shutdownTimeoutMs } }
}
