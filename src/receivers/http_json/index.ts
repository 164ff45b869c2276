import type { ReceiverFactory } from '../../component/factory.ts'
import { isOpenToAnyone } from '../../intake/beyond-loopback.ts'
import { httpJsonConfigSchema, type HttpJsonConfig } from './config.ts'
import { httpJsonHints } from './hints.ts'
import { HttpJsonReceiver } from './receiver.ts'

export const httpJsonReceiver: ReceiverFactory<HttpJsonConfig> = {
  kind: 'receiver',
  type: 'http_json',
  stability: 'beta',
  description: 'Receives logs as JSON that names its log group and stream, at POST /logs.',
  config: httpJsonConfigSchema,
  hints: httpJsonHints,
  anyoneNamesDestinations: isOpenToAnyone,
  passesMetadata: ({ include_metadata: passes }) => passes,
  create: (settings, next) => new HttpJsonReceiver(settings, next),
}
