import type { News } from '../component/siblings.ts'

/** A worker is born, and one that tries the account has its answer, within this. */
const REMEMBERED_MS = 10_000

/** The accounts that told a worker to wait: one that is born later has not heard it. */
export class Throttles {
  /** By exporter and account, of which a config has few. */
  readonly #last = new Map<string, { readonly news: News; readonly untilMs: number }>()

  heard(news: News, nowMs: number): void {
    const key = JSON.stringify([news.exporter, news.account])
    const untilMs = nowMs + news.afterMs
    if ((this.#last.get(key)?.untilMs ?? 0) < untilMs) this.#last.set(key, { news, untilMs })
  }

  /** What still holds, with what is left of the time to wait: 0 where somebody is trying the account just now. */
  news(nowMs: number): News[] {
    return [...this.#last.values()]
      .filter(({ untilMs }) => nowMs < untilMs + REMEMBERED_MS)
      .map(({ news, untilMs }) => ({ ...news, afterMs: Math.max(0, untilMs - nowMs) }))
  }
}
