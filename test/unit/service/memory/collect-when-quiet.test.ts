import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const source = (path: string) => JSON.stringify(new URL(`../../../../src/${path}`, import.meta.url).href)

test('garbage of a busy process is collected when it is quiet, and nothing keeps the process alive', async () => {
  const script = `
    import { setTimeout as sleep } from 'node:timers/promises'
    import { collectWhenQuiet } from ${source('service/memory/collect-when-quiet.ts')}
    import { silentLogger } from ${source('telemetry/logger.ts')}
    const left = []
    const work = () => left.push(new WeakRef({ some: 'thing' }))
    collectWhenQuiet(silentLogger, 50)
    // At a start, and after each busy time.
    for (let at = 0; at < 2; at++) {
      work()
      const end = performance.now() + 200
      while (performance.now() < end) {}
      for (let waits = 0; left[at].deref() !== undefined && waits < 200; waits++) await sleep(50)
    }
    console.log(left.filter((ref) => ref.deref() === undefined).length)
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = text(child.stdout)
  const [code] = (await once(child, 'exit')) as [number]
  expect([code, (await output).trim()]).toEqual([0, '2'])
})
