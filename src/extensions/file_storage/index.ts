import type { ExtensionFactory } from '../../component/factory.ts'
import { type Config, configSchema } from './config.ts'
import { FileStorageExtension } from './extension.ts'

export const fileStorageExtension: ExtensionFactory<Config> = {
  kind: 'extension',
  type: 'file_storage',
  stability: 'alpha',
  description: 'Keeps sending queues on disk, so that a restart loses no acknowledged records.',
  config: configSchema,
  storageDirectory: ({ directory }) => directory,
  create: (settings) => new FileStorageExtension(settings),
}
