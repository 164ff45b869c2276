import type { ExtensionFactory } from '../../component/factory.ts'
import { cloudwatchLocalConfigSchema, type CloudWatchLocalConfig } from './config.ts'
import { CloudWatchLocalExtension } from './extension.ts'

export const cloudwatchLocalExtension: ExtensionFactory<CloudWatchLocalConfig> = {
  kind: 'extension',
  type: 'cloudwatch_local',
  stability: 'beta',
  description: 'A strict CloudWatch Logs API on a local port, for trials and tests without an AWS account.',
  config: cloudwatchLocalConfigSchema,
  oneForAll: true,
  create: (settings) => new CloudWatchLocalExtension(settings),
}
