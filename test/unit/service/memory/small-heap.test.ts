import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const MODULE = new URL('../../../../src/service/memory/small-heap.ts', import.meta.url).href

/** Keeps objects alive for two seconds, which makes V8 grow the young generation. */
const SCRIPT = `
  import { setTimeout as sleep } from 'node:timers/promises'
  import { getHeapSpaceStatistics } from 'node:v8'
  import { keepHeapSmall } from ${JSON.stringify(MODULE)}
  const stop = keepHeapSmall()
  let kept = []
  for (let turn = 0; turn < 100; turn++) {
    for (let at = 0; at < 50_000; at++) kept.push({ at, list: [at] })
    if (kept.length > 200_000) kept = []
    await sleep(10)
  }
  stop()
  console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1024 ** 2)
`

/** @returns MiB of two semi-spaces */
async function youngGeneration(...flags: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', SCRIPT], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const printed = text(child.stdout)
  const [code] = (await once(child, 'exit')) as [number]
  expect(code).toBe(0)
  return Number(await printed)
}

test('the young generation grows to a bound, and no further', async () => {
  // V8's own bound on a machine with 2 GiB or more is 128; ours is 32, and a growth between two turns of the event loop may double it.
  expect(await youngGeneration()).toBeLessThanOrEqual(64)
})

test("Node's own flags for the young generation take precedence", async () => {
  expect(await youngGeneration('--max-semi-space-size=4')).toBe(8)
  expect(await youngGeneration('--max-semi-space-size=64')).toBe(128)
})
