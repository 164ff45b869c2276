/** First SeverityNumber of each range of OTLP, which has four numbers. */
export const SEVERITIES = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 } as const

export type SeverityLevel = keyof typeof SEVERITIES

export function isSeverityLevel(level: unknown): level is SeverityLevel {
  return typeof level === 'string' && Object.hasOwn(SEVERITIES, level)
}

/** @returns Returns the level of a SeverityNumber; undefined if it has none */
export function levelOf(severityNumber: number): SeverityLevel | undefined {
  const levels = Object.keys(SEVERITIES) as SeverityLevel[]
  return levels.findLast((level) => severityNumber >= SEVERITIES[level])
}
