import { join } from 'node:path'
import type { Queue, Row } from '../rows.ts'
import type { Target } from './targets.ts'

/** PEM of the authority that the sink's certificate is from. */
export const CA = join(import.meta.dirname, '..', '..', 'testdata', 'tls', 'ca.pem')

/** The same for every target: nothing of the machine's own AWS settings, and the sink's certificate trusted. */
export const TARGET_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  SSL_CERT_FILE: CA,
}

export interface Addresses {
  readonly grpcPort: number
  readonly httpPort: number
  readonly sinkPort: number
}

/** One YAML for both, but for keys that only one of them has. */
export function targetConfig(
  { ours, sendingQueue, processors, workers }: Target,
  { rawLog, consumers }: Pick<Row, 'rawLog' | 'consumers'>,
  queue: Queue,
  { grpcPort, httpPort, sinkPort }: Addresses,
  directory: string,
): object {
  const onDisk = queue === 'disk'
  const queueOptions = {
    ...sendingQueue,
    ...(consumers === undefined ? {} : { num_consumers: consumers }),
    ...(onDisk ? { storage: 'file_storage' } : {}),
  }
  return {
    extensions: onDisk ? { file_storage: { directory, create_directory: true, fsync: true } } : {},
    receivers: {
      otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${grpcPort}` }, http: { endpoint: `127.0.0.1:${httpPort}` } } },
    },
    processors,
    exporters: {
      awscloudwatchlogs: {
        log_group_name: '/bench/{ServiceName}',
        log_stream_name: '{InstanceId}',
        region: 'us-east-1',
        endpoint: `https://localhost:${sinkPort}`,
        raw_log: rawLog,
        sending_queue: queueOptions,
        ...(ours ? { certificate_file_path: CA, max_new_destinations: 100_000 } : {}),
      },
    },
    service: {
      ...(workers === undefined ? {} : { workers }),
      extensions: onDisk ? ['file_storage'] : [],
      pipelines: {
        logs: { receivers: ['otlp'], processors: Object.keys(processors), exporters: ['awscloudwatchlogs'] },
      },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
  }
}
