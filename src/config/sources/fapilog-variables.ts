// The variables of fapilog's CloudWatch sink, as release 0.18.0 reads them: its short names, and the nested names of its
// settings. All set keys of the exporter that have fapilog's own names.

/** Prefixes of fapilog's variables, with the prefix of their keys here. */
const PREFIXES = [
  ['FAPILOG_CLOUDWATCH__', 'sink', ''],
  ['FAPILOG_SINK_CONFIG__CLOUDWATCH__', 'sink', ''],
  ['FAPILOG_SIZE_GUARD__', 'size_guard', 'size_guard__'],
  ['FAPILOG_PROCESSOR_CONFIG__SIZE_GUARD__', 'size_guard', 'size_guard__'],
] as const

/** fapilog's settings (`CloudWatchSinkSettings`, `SizeGuardSettings`), with the kind of their values. */
export const FAPILOG_SETTINGS = {
  sink: {
    log_group_name: 'text',
    log_stream_name: 'text',
    region: 'text',
    endpoint_url: 'text',
    batch_size: 'number',
    batch_timeout_seconds: 'duration',
    max_retries: 'number',
    retry_base_delay: 'duration',
    create_log_group: 'flag',
    create_log_stream: 'flag',
    circuit_breaker_enabled: 'flag',
    circuit_breaker_threshold: 'number',
  },
  size_guard: { max_bytes: 'size', action: 'text', preserve_fields: 'list' },
} as const satisfies Record<string, Record<string, string>>

/** fapilog's words for true and false besides YAML's. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['0', 'false', 'no', 'off'].map((word) => [word, false] as const),
])

export interface FapilogVariable {
  /** The exporter's key, `__` where the YAML nests. */
  readonly key: string
  /** Its value, if that is not YAML. */
  readonly value: boolean | undefined
  /** Whether it asks for the sink; the size guard alone serves every sink of fapilog. */
  readonly isOfSink: boolean
}

/** Undefined if fapilog's sink and size guard have no variable of this prefix. An unknown setting is a config error later. */
export function fapilogVariable(name: string, text: string): FapilogVariable | undefined {
  for (const [prefix, section, within] of PREFIXES) {
    if (!name.startsWith(prefix)) continue
    const setting = name.slice(prefix.length).toLowerCase()
    const kinds: Readonly<Record<string, string>> = FAPILOG_SETTINGS[section]
    const isFlag = Object.hasOwn(kinds, setting) && kinds[setting] === 'flag'
    return {
      key: within + setting,
      value: isFlag ? FLAGS.get(text.trim().toLowerCase()) : undefined,
      isOfSink: section === 'sink',
    }
  }
  return undefined
}
