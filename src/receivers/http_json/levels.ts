import { SeverityNumber } from '@opentelemetry/api-logs'

/**
 * Levels of the loggers that applications use (Python, Java, Node, syslog), as severities of OTLP; in any case. The data model
 * of OpenTelemetry logs, appendix B, maps them so.
 */
export const LEVELS: ReadonlyMap<string, number> = new Map<string, number>([
  ['TRACE', SeverityNumber.TRACE],
  ['DEBUG', SeverityNumber.DEBUG],
  ['INFO', SeverityNumber.INFO],
  ['NOTICE', SeverityNumber.INFO2],
  ['WARN', SeverityNumber.WARN],
  ['WARNING', SeverityNumber.WARN],
  ['ERROR', SeverityNumber.ERROR],
  ['CRITICAL', SeverityNumber.FATAL],
  ['FATAL', SeverityNumber.FATAL],
])

/** Bytes of the longest level; anything longer is unknown. */
export const MAX_LEVEL_BYTES = 8
