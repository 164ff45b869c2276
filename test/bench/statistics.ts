/** The middle of some figures, or the mean of the two in the middle. NaN of none. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}

/** `12.3`, or with several figures their median and from where to where they go: `12.3 (11.9 to 14.0)`. */
export function medianAndSpread(figures: readonly number[], digits: number): string {
  const text = (figure: number) => round(figure, digits)
  const middle = text(median(figures))
  return figures.length < 2 ? middle : `${middle} (${text(Math.min(...figures))} to ${text(Math.max(...figures))})`
}

export function round(figure: number, digits: number): string {
  return Number.isFinite(figure) ? figure.toFixed(digits) : '-'
}
