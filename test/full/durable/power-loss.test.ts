import { expect, test } from 'vitest'
import type { DiskBatch } from '../../../src/delivery/queue/disk/segments/disk-batch.ts'
import { OpenQueue } from '../../unit/delivery/queue/disk/queue-fixture.ts'
import { PowerLossFiles } from './power-loss-files.ts'

const LIVES = 100
const CUTS_A_LIFE = 12
/** Beside puts and settlements, so that segments are moved and journals rewritten while the power goes; a disk without power is not asked again. */
const OPTIONS = { segmentBytes: 2_048, memoryBytes: 4_096, compactBytes: 512, settledForMs: 0, rereadAfterMs: [] }

interface Life {
  /** Acknowledged, not settled, and not there after a cut. */
  readonly lost: string[]
  /** Items that the queue itself tells as lost. */
  reported: number
  /** There, and never written. */
  readonly strange: string[]
  acknowledged: number
}

/** One disk, and one process after another on it, each ended by a power cut. */
async function live(seed: number, fsync: boolean): Promise<Life> {
  const random = randomFrom(seed)
  const life: Life = { lost: [], reported: 0, strange: [], acknowledged: 0 }
  const waiting = new Set<string>()
  const written = new Set<string>()
  let files = new PowerLossFiles(random)
  for (let cut = 0; cut < CUTS_A_LIFE; cut++) {
    const open = new OpenQueue('/queue', { ...OPTIONS, files, fsync }, 1e9)
    open.recovered = await open.queue.recover()
    const found = new Map<string, DiskBatch>()
    for (const { batch } of open.recovered) {
      const [text] = (await open.load(batch)) ?? []
      if (text !== undefined) found.set(text, batch as DiskBatch)
    }
    life.lost.push(...[...waiting].filter((text) => !found.has(text)))
    life.reported += open.lost
    life.strange.push(...[...found.keys()].filter((text) => !written.has(text)))
    waiting.clear()
    for (const text of found.keys()) waiting.add(text)

    files.cutAfter(Math.floor(random() * 150))
    let next = 0
    while (!files.dead) {
      const texts = Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
        `${cut}.${next++} `.padEnd(20 + random() * 300, 'x'),
      )
      await Promise.all(
        texts.map(async (text) => {
          written.add(text)
          const batch = await open.put(`lane-${next % 3}`, [text]).catch(() => undefined)
          if (batch === undefined) return
          waiting.add(text)
          found.set(text, batch)
          life.acknowledged++
        }),
      )
      for (const [text, batch] of found) {
        if (random() < 0.7) continue
        found.delete(text)
        waiting.delete(text)
        open.settle(batch)
      }
      if (random() < 0.2) await open.queue.flush()
      if (random() < 0.2) await open.queue.relocate()
    }
    await open.queue.close()
    files = files.restored()
  }
  return life
}

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

async function lives(fsync: boolean) {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const all: Life[] = []
  for (let life = 0; life < LIVES; life++) all.push(await live(seed + life, fsync))
  const sum = (what: (life: Life) => number) => all.reduce((total, life) => total + what(life), 0)
  const report = {
    seed,
    acknowledged: sum((life) => life.acknowledged),
    lost: sum((life) => life.lost.length),
    reported: sum((life) => life.reported),
    strange: sum((life) => life.strange.length),
  }
  process.stdout.write(`${LIVES * CUTS_A_LIFE} power cuts, fsync ${fsync}: ${JSON.stringify(report)}\n`)
  return report
}

test('after a power cut everything acknowledged is there, nothing that was not written, and nothing is reported as lost', async () => {
  const { acknowledged, lost, reported, strange } = await lives(true)
  expect(acknowledged).toBeGreaterThan(1_000)
  expect([lost, reported, strange]).toEqual([0, 0, 0])
}, 300_000)

test('without fsync the same cuts lose acknowledged records, so the test can fail', async () => {
  const { lost, reported } = await lives(false)
  expect(lost).toBeGreaterThan(0)
  expect(reported).toBeGreaterThan(0)
}, 300_000)
