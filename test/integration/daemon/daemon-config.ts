/** Options of the exporter as in its YAML, for one test's needs. */
export type ExporterOptions = Readonly<Record<string, unknown>>

export interface ConfigParts {
  readonly exporter?: ExporterOptions
  readonly processors?: Readonly<Record<string, object>>
  readonly service?: object
}

/** Port 0 in place of 8888, which another process of the machine may hold. */
const TELEMETRY = { metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: 0 } } } }] } }

/**
 * OTLP in, by both protocols on ports of the system's choice; CloudWatch out at `endpoint`, into `/test/{service.name}`
 * and a stream `s`, sent soon.
 */
export function cloudwatchConfig(endpoint: string, { exporter, processors = {}, service }: ConfigParts = {}): object {
  return {
    extensions: { health_check: { endpoint: '127.0.0.1:0' } },
    receivers: {
      otlp: { protocols: { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: '127.0.0.1:0' } } },
    },
    processors,
    exporters: {
      awscloudwatchlogs: {
        log_group_name: '/test/{service.name}',
        log_stream_name: 's',
        region: 'us-east-1',
        endpoint,
        flush_interval: '100ms',
        ...exporter,
      },
    },
    service: {
      telemetry: TELEMETRY,
      extensions: ['health_check'],
      pipelines: {
        logs: { receivers: ['otlp'], processors: Object.keys(processors), exporters: ['awscloudwatchlogs'] },
      },
      ...service,
    },
  }
}
