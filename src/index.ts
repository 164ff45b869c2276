// The library. It loads neither the daemon nor grpc-js, and works on Node 22.15 and later.

import './exporters/awscloudwatchlogs/library/node-version.ts'
export {
  CloudWatchLogRecordExporter,
  type CloudWatchLogRecordExporterOptions,
  type ExportResult,
} from './exporters/awscloudwatchlogs/library/log-record-exporter.ts'
export type { Ledger } from './accounting/ledger.ts'
