import type { ExtensionFactory } from '../../component/factory.ts'
import { type Config, configSchema } from './config.ts'
import { BearerTokenAuth } from './extension.ts'

export const bearertokenauthExtension: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'bearertokenauth',
  stability: 'beta',
  description: 'Authenticates senders by a token, and binds them to log groups.',
  config: configSchema,
  create: (settings) => new BearerTokenAuth(settings),
}
