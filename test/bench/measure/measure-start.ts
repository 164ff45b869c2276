// The row `start`: how soon a target is ready, what it holds then, and what is left a minute after a million records.

import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from './ask.ts'
import type { LoadOrder } from '../load/load.ts'
import { rowNamed } from '../rows.ts'
import { onScene } from './scene.ts'
import type { Prepared } from '../targets/targets.ts'
import { rssMib } from './usage.ts'

export interface StartMeasurement {
  /** ms until it could be connected to. */
  readonly readyMs: number
  /** MiB of RSS then. */
  readonly readyRss: number
  /** MiB of RSS a minute after a million records; NaN where that was not asked for. */
  readonly restedRss: number
}

const SETTLE_MS = 500
const MILLION: LoadOrder = { seconds: 25, rate: 40_000 }
const REST_MS = 60_000

export function measureStart(prepared: Prepared, rest: boolean): Promise<StartMeasurement> {
  return onScene(prepared, rowNamed('batch'), 'memory', async ({ target, load }) => {
    await sleep(SETTLE_MS)
    const start = { readyMs: target.readyMs, readyRss: rssMib(target.pid) }
    if (!rest) return { ...start, restedRss: Number.NaN }
    await ask(await load('http'), MILLION)
    await sleep(REST_MS)
    return { ...start, restedRss: rssMib(target.pid) }
  })
}
