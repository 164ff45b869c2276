import { buildInfo } from '../build-info.ts'
import type { ExitCode } from '../../component/command.ts'
import type { DaemonConfig } from '../../config/daemon-config.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from '../load-config.ts'

export const command = defineCommand({
  description: `Runs the daemon until SIGTERM, SIGINT or SIGQUIT, then drains for at most service.shutdown_timeout. A second signal ends it at once.

Without --config, the variables OTLP_CLOUDWATCH__LOG_GROUP_NAME, OTLP_CLOUDWATCH__LOG_STREAM_NAME,
OTLP_CLOUDWATCH__REGION, ... (any key of the awscloudwatchlogs exporter in upper case, __ where the YAML nests)
run the otlp receiver on localhost:4317 and 4318 into CloudWatch Logs. So do fapilog's FAPILOG_CLOUDWATCH__* variables.`,
  options: {
    ...CONFIG_OPTIONS,
    banner: {
      type: 'boolean',
      description: 'print where to send and where to read also if stdout is not a terminal',
    },
  },
  async run(values, context) {
    const loaded = await loadConfigFrom(values, context)
    if (loaded === undefined) return 2
    const [{ createLogger }, createDaemon] = await Promise.all([
      import('../../telemetry/create-logger.ts'),
      context.daemon(),
    ])
    const logger = createLogger({ ...loaded.config.service.telemetry.logs, destination: { write: context.err } })
    context.logTo?.((message, fields) => logger.warn(message, fields))
    let daemon: Daemon
    try {
      daemon = createDaemon(loaded.config, buildInfo(), loaded.files)
    } catch (error) {
      logger.error('the config cannot run', { error })
      return 2
    }
    try {
      return await runDaemon(daemon, context, async () => {
        if (!showsBanner(values.banner, loaded.config, context)) return
        const { banner } = await import('../banner.ts')
        context.out(banner(loaded.config, values, context))
      })
    } catch (error) {
      logger.error('could not start', { error })
      return 1
    }
  },
})

/** The banner is for people: a terminal with logs in JSON belongs to a machine. The parent prints it for all workers. */
function showsBanner(asked: boolean | undefined, config: DaemonConfig, context: CommandContext): boolean {
  const { terminal = false, isWorker = false } = context
  return !isWorker && (asked === true || (terminal && config.service.telemetry.logs.encoding === 'console'))
}

type Daemon = ReturnType<Awaited<ReturnType<CommandContext['daemon']>>>

/** @throws the error that kept the daemon from starting */
async function runDaemon(
  daemon: Daemon,
  { stopRequested }: CommandContext,
  ready: () => Promise<void>,
): Promise<ExitCode> {
  const stopped = stopRequested.then(() => 'stopped' as const)
  const starting = daemon.start()
  const event = await Promise.race([starting, stopped])
  if (event === 'stopped') {
    await daemon.shutdown()
    // The error of an aborted start is expected.
    await starting.catch(() => undefined)
    return 0
  }
  await ready()
  const end = await Promise.race([stopped, daemon.failed])
  await daemon.shutdown()
  return end === 'stopped' ? 0 : 1
}
