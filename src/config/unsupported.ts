// The collector's components that people write most and that are not here, with what to do about each. It is a word to
// the operator, not a promise: a component that arrives is found in the registry first.

export type ComponentKind = 'receiver' | 'processor' | 'exporter' | 'extension'

const METRICS = 'it works on metrics, and this daemon ships logs: keep it in a collector'
const TRACES = 'it works on traces, and this daemon ships logs: keep it in a collector'
const PROCESS_BEFORE = 'not supported yet: apply it in the application or in a collector that sends here by otlp'
const SEND_OTLP = 'not supported yet: send the logs by OTLP to the otlp receiver'
const OTHER_DESTINATION = 'this daemon writes to CloudWatch Logs: use awscloudwatchlogs, or keep it in a collector'
const READ_ELSEWHERE = 'not supported yet: let a collector or Fluent Bit read it and send here by otlp'
const CREDENTIALS = 'not needed: awscloudwatchlogs signs with the credentials of the AWS SDK (role_arn, profile)'
const AUTHENTICATOR = 'not supported yet: use mTLS (tls.client_ca_file), or a proxy that authenticates in front'

const ADVICE: Readonly<Record<ComponentKind, Readonly<Record<string, string>>>> = {
  receiver: {
    filelog: READ_ELSEWHERE,
    file_log: READ_ELSEWHERE,
    journald: READ_ELSEWHERE,
    k8s_events: READ_ELSEWHERE,
    k8sobjects: READ_ELSEWHERE,
    windowseventlog: READ_ELSEWHERE,
    awscloudwatch: READ_ELSEWHERE,
    kafka: READ_ELSEWHERE,
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
    attributes: PROCESS_BEFORE,
    filter: PROCESS_BEFORE,
    groupbyattrs: PROCESS_BEFORE,
    k8sattributes: PROCESS_BEFORE,
    k8s_attributes: PROCESS_BEFORE,
    log_dedup: PROCESS_BEFORE,
    logdedup: PROCESS_BEFORE,
    logstransform: PROCESS_BEFORE,
    probabilistic_sampler: PROCESS_BEFORE,
    redaction: PROCESS_BEFORE,
    resource: PROCESS_BEFORE,
    resourcedetection: PROCESS_BEFORE,
    resource_detection: PROCESS_BEFORE,
    routing: PROCESS_BEFORE,
    transform: PROCESS_BEFORE,
    queuebatch: 'the exporter has a queue of its own: use its sending_queue, or the batch processor',
    cumulativetodelta: METRICS,
    deltatorate: METRICS,
    experimental_metricsgeneration: METRICS,
    metricstransform: METRICS,
    span: TRACES,
    tail_sampling: TRACES,
    memory_ballast: 'the collector removed it: use memory_limiter',
  },
  exporter: {
    awscloudwatch: 'use awscloudwatchlogs',
    awscloudwatchlog: 'use awscloudwatchlogs',
    awsemf: 'it writes metrics as CloudWatch events: keep it in a collector; for logs use awscloudwatchlogs',
    awskinesis: OTHER_DESTINATION,
    awss3: OTHER_DESTINATION,
    awsxray: TRACES,
    clickhouse: OTHER_DESTINATION,
    datadog: OTHER_DESTINATION,
    elasticsearch: OTHER_DESTINATION,
    file: 'not supported yet: use debug to look at logs, awscloudwatchlogs to keep them',
    googlecloud: OTHER_DESTINATION,
    kafka: 'not supported yet: use awscloudwatchlogs',
    logging: 'the collector renamed it: use debug',
    loki: OTHER_DESTINATION,
    opensearch: OTHER_DESTINATION,
    otlp: 'not supported yet: use awscloudwatchlogs',
    otlp_grpc: 'not supported yet: use awscloudwatchlogs',
    otlphttp: 'not supported yet: use awscloudwatchlogs',
    otlp_http: 'not supported yet: use awscloudwatchlogs',
    prometheus: METRICS,
    prometheusremotewrite: METRICS,
    splunk_hec: OTHER_DESTINATION,
    zipkin: TRACES,
  },
  extension: {
    basicauth: AUTHENTICATOR,
    bearertokenauth: AUTHENTICATOR,
    oidc: AUTHENTICATOR,
    headers_setter: 'not supported: nothing here sends OTLP on',
    oauth2client: 'not supported: nothing here sends OTLP on',
    healthcheckv2: 'use health_check',
    sigv4auth: CREDENTIALS,
    db_storage: 'not supported: use file_storage',
    redis_storage: 'not supported: use file_storage',
    file_storage: 'not supported yet: the sending queue is in memory, and a SIGTERM drains it',
    memory_ballast: 'the collector removed it: use the memory_limiter processor',
    opamp: 'not supported: restart with the new config',
  },
}

/** What to do instead of a component of the collector that is not here; undefined if its name says nothing. */
export function adviceFor(kind: ComponentKind, type: string): string | undefined {
  const advice = ADVICE[kind]
  return Object.hasOwn(advice, type) ? advice[type] : undefined
}
