import { buildInfo } from '../build-info.ts'
import type { ExitCode } from '../../component/command.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { CONFIG_OPTIONS, loadConfigFrom } from '../load-config.ts'

export const command = defineCommand({
  description: `Runs the daemon until SIGTERM, SIGINT or SIGQUIT, then drains for at most service.shutdown_timeout. A second signal ends it at once.

Without --config, the variables OTLP_CLOUDWATCH__LOG_GROUP_NAME, OTLP_CLOUDWATCH__LOG_STREAM_NAME,
OTLP_CLOUDWATCH__REGION, ... (any key of the awscloudwatchlogs exporter in upper case, __ where the YAML nests)
run the otlp receiver on localhost:4317 and 4318 into CloudWatch Logs.`,
  options: CONFIG_OPTIONS,
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
      return await runDaemon(daemon, context)
    } catch (error) {
      logger.error('could not start', { error })
      return 1
    }
  },
})

type Daemon = ReturnType<Awaited<ReturnType<CommandContext['daemon']>>>

/** @throws the error that kept the daemon from starting */
async function runDaemon(daemon: Daemon, { stopRequested }: CommandContext): Promise<ExitCode> {
  const stopped = stopRequested.then(() => 'stopped' as const)
  const starting = daemon.start()
  const event = await Promise.race([starting, stopped])
  if (event === 'stopped') {
    await daemon.shutdown()
    // The error of an aborted start is expected.
    await starting.catch(() => undefined)
    return 0
  }
  const end = await Promise.race([stopped, daemon.failed])
  await daemon.shutdown()
  return end === 'stopped' ? 0 : 1
}
