const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @returns ms since the epoch; undefined for text that is neither a time nor a duration before now */
export function sinceMs(text: string, nowMs: number): number | undefined {
  const duration = /^(\d{1,6})([smhd])$/.exec(text)
  if (duration !== null) return nowMs - Number(duration[1]) * (UNITS[duration[2] ?? ''] ?? 0)
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
