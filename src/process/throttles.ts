import type { News } from '../component/siblings.ts'

/** Upper bound of the time in which a worker starts, and in which a trial call to the account gets its response. */
const REMEMBERED_MS = 10_000

/** The accounts that throttle the workers, for workers that start later. */
export class Throttles {
  /** By exporter and account; a config has few. */
  readonly #last = new Map<string, { readonly news: News; readonly untilMs: number }>()

  record(news: News, nowMs: number): void {
    const key = JSON.stringify([news.exporter, news.account])
    const untilMs = nowMs + news.afterMs
    if ((this.#last.get(key)?.untilMs ?? 0) < untilMs) this.#last.set(key, { news, untilMs })
  }

  /** Returns the throttles that still apply, with the remaining wait: 0 where a worker is trying the account now. */
  news(nowMs: number): News[] {
    return [...this.#last.values()]
      .filter(({ untilMs }) => nowMs < untilMs + REMEMBERED_MS)
      .map(({ news, untilMs }) => ({ ...news, afterMs: Math.max(0, untilMs - nowMs) }))
  }
}
