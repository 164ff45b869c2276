import type { ExtensionFactory } from '../../component/factory.ts'
import { type Config, configSchema } from './config.ts'
import { BasicAuth } from './extension.ts'

export const basicauthExtension: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'basicauth',
  stability: 'beta',
  description: 'Authenticates senders by user and password, and binds them to log groups.',
  config: configSchema,
  create: (settings) => new BasicAuth(settings),
}
