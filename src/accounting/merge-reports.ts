/** Merges reports: adds numbers, concatenates lists, merges objects key by key; of other values it keeps the first. */
export function mergeReports(reports: readonly unknown[]): unknown {
  return reports.reduce((one, other) => merge(one, other))
}

function merge(one: unknown, other: unknown): unknown {
  if (one === undefined) return other
  if (typeof one === 'number' && typeof other === 'number') return one + other
  if (Array.isArray(one) && Array.isArray(other)) return [...(one as unknown[]), ...(other as unknown[])]
  if (!isObject(one) || !isObject(other)) return one
  const merged: Record<string, unknown> = { ...one }
  for (const [key, value] of Object.entries(other)) merged[key] = merge(merged[key], value)
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
