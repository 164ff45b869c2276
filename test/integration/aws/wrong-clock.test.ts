// What a wrong clock is, and what is only taken for one.
import { createServer, request as httpRequest } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { postRecords } from '../daemon/daemon-senders.ts'
import { startDaemon } from '../daemon/daemon.ts'
import { library, localCloudWatch, problem } from '../library/library.ts'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'

afterEach(() => void vi.useRealTimers())

const HOUR_MS = 3_600_000

/** In front of `url`: the answers have another Date. */
async function withDate(url: string, now: () => number): Promise<string> {
  const server = createServer((incoming, answer) => {
    const { method = '', headers } = incoming
    const onward = httpRequest(url, { method, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, { ...from.headers, date: new Date(now()).toUTCString() })
      from.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each([-3, 3])('a clock that is %i hours off: the time of AWS is used once it is known', async (hours) => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const real = Date.now()
  vi.setSystemTime(real + hours * HOUR_MS)
  const local = await localCloudWatch({ quotas: false, now: () => real })
  const { send } = await library({ endpoint: await withDate(local.url, () => real) }, local)
  const at = (ms: number) => ({ time: BigInt(ms) * 1_000_000n })
  // The first answer shows the time.
  expect(await send({ body: 'first', ...at(real) })).toMatchObject(hours < 0 ? { code: 1 } : { code: 0 })
  expect(await send({ body: 'second', ...at(real - HOUR_MS) })).toEqual({ code: 0 })

  expect(await send({ body: 'now', ...at(real) })).toEqual({ code: 0 })
  expect(await send({ body: 'ahead', ...at(real + HOUR_MS) })).toEqual({ code: 0 })
  expect(await send({ body: 'without a time' })).toEqual({ code: 0 })
  expect(problem(await send({ body: 'too far ahead', ...at(real + 3 * HOUR_MS) }))).toContain('too_new')
  const stored = local.events().find(({ message }) => message.includes('without a time'))
  expect(Math.abs((stored?.timestamp ?? 0) - real)).toBeLessThan(60_000)
})

test('a wrong secret and an endpoint of another Region are reported as invalid credentials, not as a wrong clock', async () => {
  const local = await startCloudWatchLocal({ quotas: false })
  onTestFinished(() => local.close())
  local.faults.error('InvalidSignatureException', 'The request signature we calculated does not match', 403)
  const daemon = await startDaemon(cloudwatchConfig(local.url))
  await postRecords(daemon, { body: 'a' })
  await daemon.says((log) => log.some(({ scope }) => scope === 'credential'))
  expect(daemon.log.find(({ scope }) => scope === 'credential')).toMatchObject({
    reason: 'credentials_invalid',
    error:
      'InvalidSignatureException: The request signature we calculated does not match (the secret access key does not match the access key id, or the endpoint is in another Region)',
  })
})
