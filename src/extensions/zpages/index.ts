import type { ExtensionFactory } from '../../component/factory.ts'
import { zpagesConfigSchema, type ZpagesConfig } from './config.ts'
import { Zpages } from './extension.ts'

export const zpagesExtension: ExtensionFactory<ZpagesConfig> = {
  kind: 'extension',
  type: 'zpages',
  stability: 'development',
  description: "Accepted without effect, so that a collector's config runs.",
  config: zpagesConfigSchema,
  oneForAll: true,
  create: ({ logger }) => new Zpages(logger),
}
