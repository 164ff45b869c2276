import type { ExporterFactory } from '../../component/factory.ts'
import { nopConfigSchema, type NopConfig } from './config.ts'
import { NopExporter } from './exporter.ts'

export const nopExporter: ExporterFactory<NopConfig> = {
  kind: 'exporter',
  type: 'nop',
  stability: 'beta',
  description: 'Accepts every well-formed request and drops it.',
  config: nopConfigSchema,
  create: (settings) => new NopExporter(settings),
}
