import type { ExporterFactory } from '../../component/factory.ts'
import { debugConfigSchema, type DebugConfig } from './config.ts'
import { DebugExporter } from './exporter.ts'

export const debugExporter: ExporterFactory<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  stability: 'beta',
  description: "Shows requests and their records in the daemon's log, on stdout or in a file.",
  config: debugConfigSchema,
  create: (settings) => new DebugExporter(settings),
}
