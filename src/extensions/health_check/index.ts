import type { ExtensionFactory } from '../../component/factory.ts'
import { healthCheckConfigSchema, type HealthCheckConfig } from './config.ts'
import { HealthCheck } from './extension.ts'

export const healthCheckExtension: ExtensionFactory<HealthCheckConfig> = {
  kind: 'extension',
  type: 'health_check',
  stability: 'beta',
  description: 'Answers probes: 200 while the pipelines run, 503 before and while they drain.',
  config: healthCheckConfigSchema,
  oneForAll: true,
  create: (settings) => new HealthCheck(settings),
}
