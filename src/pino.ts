// `otlp-cloudwatch/pino`: a transport for pino. Its default export is what pino's worker thread calls; in the application's
// own thread, the stream is a destination: pino(options, new CloudWatchStream({ ... })).

import './exporters/awscloudwatchlogs/library/node-version.ts'
export {
  CloudWatchStream,
  type CloudWatchStreamOptions,
} from './exporters/awscloudwatchlogs/library/application-log/pino-transport.ts'
export { cloudWatchTransport as default } from './exporters/awscloudwatchlogs/library/application-log/pino-worker.ts'
