// The collector's most used components that are not supported, with advice for each. This is not a list of plans: a component
// that gets added is found in the registry first.

export type ComponentKind = 'receiver' | 'processor' | 'exporter' | 'extension'

const METRICS = 'works on metrics, and this daemon ships logs: keep it in a collector'
const TRACES = 'works on traces, and this daemon ships logs: keep it in a collector'
const CHANGE_BEFORE = 'is not supported yet: apply it in the application, or in a collector that sends here by otlp'
const SEND_OTLP = 'is not supported yet: send the logs to the otlp receiver instead'
const READ_BEFORE = 'is not supported yet: let a collector or Fluent Bit read it and send here by otlp'
const OTHER_DESTINATION = 'does not write to CloudWatch Logs: use awscloudwatchlogs, or keep it in a collector'
const ONLY_CLOUDWATCH = 'is not supported yet: use awscloudwatchlogs'
const OUTGOING_AUTH = 'has no use here, as no exporter sends OTLP: remove it'

const ADVICE: Readonly<Record<ComponentKind, Readonly<Record<string, string>>>> = {
  receiver: {
    filelog: READ_BEFORE,
    file_log: READ_BEFORE,
    journald: READ_BEFORE,
    k8s_events: READ_BEFORE,
    k8sobjects: READ_BEFORE,
    windowseventlog: READ_BEFORE,
    awscloudwatch: READ_BEFORE,
    kafka: READ_BEFORE,
    fluentforward: SEND_OTLP,
    loki: SEND_OTLP,
    splunk_hec: SEND_OTLP,
    syslog: SEND_OTLP,
    tcplog: SEND_OTLP,
    udplog: SEND_OTLP,
    webhookevent: SEND_OTLP,
    awsxray: TRACES,
    jaeger: TRACES,
    zipkin: TRACES,
    awscontainerinsightreceiver: METRICS,
    awsecscontainermetrics: METRICS,
    docker_stats: METRICS,
    hostmetrics: METRICS,
    k8s_cluster: METRICS,
    kubeletstats: METRICS,
    prometheus: METRICS,
    statsd: METRICS,
  },
  processor: {
    attributes: CHANGE_BEFORE,
    filter: CHANGE_BEFORE,
    groupbyattrs: CHANGE_BEFORE,
    k8sattributes: CHANGE_BEFORE,
    k8s_attributes: CHANGE_BEFORE,
    log_dedup: CHANGE_BEFORE,
    logdedup: CHANGE_BEFORE,
    logstransform: CHANGE_BEFORE,
    probabilistic_sampler: CHANGE_BEFORE,
    redaction: CHANGE_BEFORE,
    resource: CHANGE_BEFORE,
    resourcedetection: CHANGE_BEFORE,
    resource_detection: CHANGE_BEFORE,
    routing: CHANGE_BEFORE,
    transform: CHANGE_BEFORE,
    queuebatch: 'is not supported yet: use the sending_queue of the exporter, or the batch processor',
    cumulativetodelta: METRICS,
    deltatorate: METRICS,
    experimental_metricsgeneration: METRICS,
    metricstransform: METRICS,
    span: TRACES,
    tail_sampling: TRACES,
    memory_ballast: 'was removed by the collector: use memory_limiter',
  },
  exporter: {
    awscloudwatch: 'is called awscloudwatchlogs: write that',
    awsemf: 'writes metrics as events: keep it in a collector; for logs use awscloudwatchlogs',
    awskinesis: OTHER_DESTINATION,
    awss3: OTHER_DESTINATION,
    awsxray: TRACES,
    clickhouse: OTHER_DESTINATION,
    datadog: OTHER_DESTINATION,
    elasticsearch: OTHER_DESTINATION,
    file: 'is not supported yet: use debug with output_paths to inspect logs, awscloudwatchlogs to keep them',
    googlecloud: OTHER_DESTINATION,
    kafka: ONLY_CLOUDWATCH,
    logging: 'was renamed by the collector: write debug',
    loki: OTHER_DESTINATION,
    opensearch: OTHER_DESTINATION,
    otlp: ONLY_CLOUDWATCH,
    otlp_grpc: ONLY_CLOUDWATCH,
    otlphttp: ONLY_CLOUDWATCH,
    otlp_http: ONLY_CLOUDWATCH,
    prometheus: METRICS,
    prometheusremotewrite: METRICS,
    splunk_hec: OTHER_DESTINATION,
    zipkin: TRACES,
  },
  extension: {
    oidc: 'is not supported yet: use bearertokenauth, basicauth or mTLS (tls.client_ca_file)',
    headers_setter: OUTGOING_AUTH,
    oauth2client: OUTGOING_AUTH,
    healthcheckv2: 'is not supported yet: use health_check',
    sigv4auth: 'is not needed: awscloudwatchlogs signs with the credentials of the AWS SDK (role_arn, profile)',
    db_storage: 'is not supported yet: use file_storage',
    redis_storage: 'is not supported yet: use file_storage',
    memory_ballast: 'was removed by the collector: use the memory_limiter processor',
    opamp: 'is not supported yet: restart with the new config instead',
  },
}

/** Returns the advice for an unsupported collector component, to follow its name; undefined for any other. */
export function adviceFor(kind: ComponentKind, type: string): string | undefined {
  const advice = ADVICE[kind]
  return Object.hasOwn(advice, type) ? advice[type] : undefined
}
