import type { ExtensionFactory } from '../../component/factory.ts'
import { type Config, configSchema } from './config.ts'
import { BasicAuth } from './extension.ts'

export const basicauthExtension: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'basicauth',
  stability: 'beta',
  description: 'Lets in senders that show a user and a password, and binds them to log groups.',
  config: configSchema,
  create: (settings) => new BasicAuth(settings),
}
