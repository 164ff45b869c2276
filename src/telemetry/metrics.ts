// Counters are plain numeric fields of the component that counts; the registry reads them at each scrape.
// (Per add: a field 0.01 to 0.02 µs, prom-client 0.2 to 0.5 µs, the OpenTelemetry SDK 1.8 to 2.3 µs.)

export interface MetricDefinition {
  /** Name in `/metrics`; the collector's name if it has the metric: `otelcol_exporter_sent_log_records`. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  /** One sentence, with the unit. */
  readonly help: string
  /** How samples of several processes are merged. Default: they are added. */
  readonly merge?: 'max'
}

/** Labels of a sample. Names are lower snake case; values have bounded cardinality. */
export type Labels = Readonly<Record<string, string>>

export function counter(name: string, help: string, merge?: 'max'): MetricDefinition {
  return { name, type: 'counter', help, ...(merge !== undefined && { merge }) }
}

export function gauge(name: string, help: string, merge?: 'max'): MetricDefinition {
  return { name, type: 'gauge', help, ...(merge !== undefined && { merge }) }
}

/** Writes one sample of a metric that was defined in the same `register`. */
export type Emit = (metric: MetricDefinition, labels: Labels, value: number) => void

export interface MetricsRegistry {
  /** Registers `collect` to be called at each scrape. Returns a function that unregisters the metrics. */
  register(definitions: readonly MetricDefinition[], collect: (emit: Emit) => void): () => void
}
