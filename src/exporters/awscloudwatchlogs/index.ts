import type { ExporterFactory } from '../../component/factory.ts'
import { COMMANDS } from './commands/commands.ts'
import { type Config, configSchema } from './config.ts'
import { CloudWatchLogsExporter } from './exporter.ts'
import { exporterHints } from './hints.ts'

export const awscloudwatchlogsExporter: ExporterFactory<Config> = {
  kind: 'exporter',
  type: 'awscloudwatchlogs',
  stability: 'beta',
  description: 'Writes log records as events into AWS CloudWatch Logs.',
  config: configSchema,
  commands: COMMANDS,
  hints: exporterHints,
  create: (settings) => new CloudWatchLogsExporter(settings),
}
