import type { ReceiverFactory } from '../../component/factory.ts'
import { otlpReceiverSchema, type OtlpReceiverConfig } from './config.ts'
import { otlpHints } from './hints.ts'
import { OtlpReceiver } from './receiver.ts'

export const otlpReceiver: ReceiverFactory<OtlpReceiverConfig> = {
  kind: 'receiver',
  type: 'otlp',
  stability: 'beta',
  description: 'Receives OTLP logs over gRPC and HTTP.',
  config: otlpReceiverSchema,
  hints: otlpHints,
  passesMetadata: ({ protocols: { grpc, http } }) => [grpc, http].some((each) => each?.include_metadata === true),
  create: (settings, next) => new OtlpReceiver(settings, next),
}
