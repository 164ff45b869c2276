/** The middle of some figures, or the mean of the two in the middle. NaN of none. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}

/** `12.3`, or where the figures differ, their median and from where to where they go: `12.3 (11.9 to 14.0)`. */
export function medianAndSpread(figures: readonly number[], digits: number): string {
  const [least, middle, most] = [Math.min(...figures), median(figures), Math.max(...figures)].map((figure) =>
    round(figure, digits),
  )
  return least === most ? `${most}` : `${middle} (${least} to ${most})`
}

export function round(figure: number, digits: number): string {
  return Number.isFinite(figure) ? figure.toFixed(digits) : '-'
}
