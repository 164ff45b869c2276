// `otlp-cloudwatch/winston`: a transport for winston, in the application's process.

import './exporters/awscloudwatchlogs/library/node-version.ts'
export {
  CloudWatchTransport,
  type CloudWatchTransportOptions,
} from './exporters/awscloudwatchlogs/library/application-log/winston-transport.ts'
