import type { ExporterFactory } from '../../component/factory.ts'
import { COMMANDS } from './commands/commands.ts'
import { type Config, configSchema } from './config.ts'
import { CloudWatchLogsExporter } from './exporter.ts'
import { exporterHints } from './hints.ts'
import { metadataUses } from './settings/destination-rules.ts'

export const awscloudwatchlogsExporter: ExporterFactory<Config> = {
  kind: 'exporter',
  type: 'awscloudwatchlogs',
  stability: 'beta',
  description: 'Writes log records as events into AWS CloudWatch Logs.',
  config: configSchema,
  commands: COMMANDS,
  hints: exporterHints,
  restrictsDestinations: (config) => config.allowed_log_groups !== undefined || config.route_from_attributes === false,
  usesMetadata: metadataUses,
  create: (settings) => new CloudWatchLogsExporter(settings),
}
