import type { ExtensionFactory } from '../../component/factory.ts'
import { pprofConfigSchema, type PprofConfig } from './config.ts'
import { Pprof } from './extension.ts'

export const pprofExtension: ExtensionFactory<PprofConfig> = {
  kind: 'extension',
  type: 'pprof',
  stability: 'development',
  description: "Accepted without effect, so that a collector's config runs.",
  config: pprofConfigSchema,
  oneForAll: true,
  create: ({ logger }) => new Pprof(logger),
}
