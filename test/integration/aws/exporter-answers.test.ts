import { describe, expect, test, vi } from 'vitest'
import { library, localCloudWatch, problem, storedBodies } from '../library/library.ts'

// What becomes of records, answer by answer of CloudWatch: each stored once, or counted with its reason.

const DAY_MS = 86_400_000
const nanos = (ms: number) => BigInt(ms) * 1_000_000n
/** More than a stream has under way at once, where each event fills a put. */
const FULL_PUTS = 20

/** What the account has to say in the end, by the names of the ledger; the rest is 0. */
function account(exporter: { readonly ledger: object }): object {
  const { ledger } = exporter as { readonly ledger: Record<string, unknown> & { difference(): number } }
  expect(ledger.difference()).toBe(0)
  const counts = Object.entries(ledger).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).map(([reason, count]) => [`${name}.${reason}`, count as unknown] as const)
      : [[name, value] as const],
  )
  return Object.fromEntries(counts.filter(([, count]) => count !== 0 && typeof count === 'number'))
}

describe('one bad record among good ones', () => {
  test('fifteen days old: the three others are stored once, and it is counted', async () => {
    const { local, exporter, send } = await library()
    const now = Date.now()
    const good = (body: string) => ({ body, time: nanos(now) })
    const result = await send(good('a'), { body: 'old', time: nanos(now - 15 * DAY_MS) }, good('b'), good('c'))
    expect(problem(result)).toBe('not every record was delivered: 1 rejected: too_old')
    expect(storedBodies(local)).toEqual(['a', 'b', 'c'])
    expect(local.calls.count('PutLogEvents', 'ok')).toBe(1)
    expect(account(exporter)).toEqual({ received: 4, delivered: 3, eventsWritten: 3, 'rejected.too_old': 1 })
  })

  test('older than the group’s retention: only CloudWatch knows, and names the record', async () => {
    const local = await localCloudWatch()
    const { exporter, send } = await library({ logRetention: 3 }, local)
    expect((await send({ body: 'first' })).code).toBe(0)
    const now = Date.now()
    const result = await send({ body: 'expired', time: nanos(now - 5 * DAY_MS) }, { body: 'late', time: nanos(now) })
    expect(problem(result)).toBe('not every record was delivered: 1 rejected: expired_retention')
    expect(storedBodies(local)).toEqual(['first', 'late'])
    expect(account(exporter)).toMatchObject({ received: 3, delivered: 2, 'rejected.expired_retention': 1 })
  })

  test('older than the group’s retention, with late_events: stored under the current time', async () => {
    const local = await localCloudWatch()
    const { exporter, send } = await library({ logRetention: 3, lateEvents: { policy: 'divert' } }, local)
    expect((await send({ body: 'first' })).code).toBe(0)
    const now = Date.now()
    const time = now - 5 * DAY_MS
    expect((await send({ body: 'expired', time: nanos(time) }, { body: 'late', time: nanos(now) })).code).toBe(0)
    expect(local.events('group', 'stream').map(({ message }) => message)).toEqual([
      '{"body":"first"}',
      '{"body":"late"}',
    ])
    expect(local.events('group', 'late').map(({ message }) => JSON.parse(message) as object)).toEqual([
      { original_timestamp: time, body: 'expired' },
    ])
    expect(account(exporter)).toMatchObject({ received: 3, delivered: 3 })
    expect(exporter.ledger.difference()).toBe(0)
  })

  test('one that CloudWatch refuses in any batch: the others are stored once', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    local.faults.poison('poison')
    const bodies = Array.from({ length: 100 }, (_, i) => (i === 37 ? 'poison' : `${i}`))
    const result = await send(...bodies.map((body) => ({ body })))
    expect(problem(result)).toBe('not every record was delivered: 1 rejected: poison')
    expect(storedBodies(local).toSorted()).toEqual(['first', ...bodies.filter((body) => body !== 'poison')].toSorted())
    expect(local.calls.count('PutLogEvents')).toBeLessThanOrEqual(2 + 1 + 2 * 7)
    expect(account(exporter)).toMatchObject({ received: 101, delivered: 100, 'rejected.poison': 1 })
  })

  test.each([
    ['too_old', 'too_old'],
    ['too_new', 'too_new'],
    ['expired', 'expired_retention'],
  ] as const)('all of them rejected as %s: nothing is sent again', async (as, reason) => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    local.faults.rejectAll(as)
    expect(problem(await send({ body: 'a' }, { body: 'b' }))).toBe(
      `not every record was delivered: 2 rejected: ${reason}`,
    )
    expect(local.calls.count('PutLogEvents', 'ok')).toBe(2)
    expect(account(exporter)).toEqual({
      received: 3,
      delivered: 1,
      eventsWritten: 1,
      sendFailed: 2,
      [`rejected.${reason}`]: 2,
    })
  })
})

describe('unusual answers of CloudWatch', () => {
  test('no nextSequenceToken: stored once', async () => {
    const { local, exporter, send } = await library()
    local.faults.omitSequenceToken()
    expect((await send({ body: 'a' })).code).toBe(0)
    expect((await send({ body: 'b' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['a', 'b'])
    expect(account(exporter)).toEqual({ received: 2, delivered: 2, eventsWritten: 2 })
  })

  test('an endpoint that still requires sequence tokens gets the expected token, then the returned one, without backoff', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    local.faults.demandSequenceTokens()
    for (const body of ['a', 'b', 'c']) expect((await send({ body })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['first', 'a', 'b', 'c'])
    expect(local.calls.count('PutLogEvents', 'InvalidSequenceTokenException')).toBe(1)
    expect(account(exporter)).not.toHaveProperty('retries')
  })

  test('an endpoint that requires sequence tokens is sent one put of a stream at a time', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    local.faults.demandSequenceTokens()
    const bodies = Array.from({ length: FULL_PUTS }, (_, i) => `${i} `.padEnd(600_000, 'x'))
    expect((await send(...bodies.map((body) => ({ body })))).code).toBe(0)
    expect(storedBodies(local).toSorted()).toEqual(['first', ...bodies].toSorted())
    // Those of before it said so, which are no more than a stream has under way.
    expect(local.calls.count('PutLogEvents', 'InvalidSequenceTokenException')).toBeLessThanOrEqual(8)
    expect(account(exporter)).toEqual({
      received: 1 + FULL_PUTS,
      delivered: 1 + FULL_PUTS,
      eventsWritten: 1 + FULL_PUTS,
    })
  })

  test('puts that wait for a token end with the exporter', async () => {
    const { local, exporter, send } = await library({ flushTimeoutMillis: 300 })
    await send({ body: 'first' })
    local.faults.demandSequenceTokens()
    await send({ body: 'a' })
    local.faults.clear()
    const slow = local.faults.slow(60_000)
    const sent = send(...Array.from({ length: FULL_PUTS }, (_, i) => ({ body: `${i}`.padEnd(600_000, 'x') })))
    await vi.waitUntil(() => slow.hits > 0, { timeout: 20_000 })
    await exporter.shutdown()
    expect(problem(await sent)).toBe(`not every record was delivered: ${FULL_PUTS} lost: shutdown`)
    expect(slow.hits).toBe(1)
    expect(account(exporter)).toMatchObject({ received: 2 + FULL_PUTS, delivered: 2, 'lost.shutdown': FULL_PUTS })
  })

  test('DataAlreadyAccepted means delivered', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    local.faults.alreadyAccepted({ times: 1 })
    expect((await send({ body: 'a' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['first', 'a'])
    expect(account(exporter)).toEqual({ received: 2, delivered: 2, eventsWritten: 2 })
  })

  test.each(['html', 'empty', 'half_json'] as const)(
    'a 200 that is %s is no success: the records are sent again',
    async (what) => {
      const { local, exporter, send } = await library()
      await send({ body: 'first' })
      const garbage = local.faults.garbage(what, { times: 2 })
      expect((await send({ body: 'a' })).code).toBe(0)
      expect(garbage.hits).toBe(2)
      expect(storedBodies(local)).toEqual(['first', 'a'])
      expect(account(exporter)).toMatchObject({ delivered: 2, retries: 2, possibleDuplicates: 2 })
    },
  )

  test('a connection cut before the call was carried out: stored once', async () => {
    const { local, send } = await library()
    await send({ body: 'first' })
    local.faults.cut('before', { times: 1 })
    expect((await send({ body: 'a' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['first', 'a'])
  })

  test('a connection cut after the call was carried out: sent again, stored twice, and counted as a possible duplicate', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    local.faults.cut('after', { times: 1, operation: 'PutLogEvents' })
    expect((await send({ body: 'a' }, { body: 'b' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['first', 'a', 'b', 'a', 'b'])
    expect(account(exporter)).toEqual({
      received: 3,
      delivered: 3,
      eventsWritten: 3,
      retries: 1,
      possibleDuplicates: 2,
    })
  })

  test('with event_id both copies of a duplicate have the same id, and no other event has it', async () => {
    const { local, send } = await library({ eventId: true })
    await send({ body: 'c' })
    local.faults.cut('after', { times: 1, operation: 'PutLogEvents' })
    await send({ body: 'a' }, { body: 'b' })
    const ids = local.events().map(({ message }) => (JSON.parse(message) as Record<string, string>)['event.id'])
    expect(storedBodies(local)).toEqual(['c', 'a', 'b', 'a', 'b'])
    expect(ids.slice(1, 3)).toEqual(ids.slice(3))
    expect(new Set(ids).size).toBe(3)
  })

  test('a put waits for a slow answer up to request_timeout_seconds', async () => {
    const { local, exporter, send } = await library({ requestTimeoutSeconds: 1 })
    await send({ body: 'first' })
    local.faults.slow(1_500, { times: 1 })
    expect((await send({ body: 'a' })).code).toBe(0)
    expect(account(exporter)).toMatchObject({ delivered: 2, retries: 1, possibleDuplicates: 1 })
  })
})

describe('the request', () => {
  test('is gzip where the config asks for it, and has the same content', async () => {
    const { local, send } = await library({ compression: 'gzip' })
    const bodies = Array.from({ length: 200 }, (_, i) => `the same words again and again, number ${i}`)
    expect((await send(...bodies.map((body) => ({ body })))).code).toBe(0)
    expect(storedBodies(local)).toEqual(bodies)
    const put = local.calls.all.findLast(({ operation, outcome }) => operation === 'PutLogEvents' && outcome === 'ok')
    expect(put?.headers['content-encoding']).toBe('gzip')
    expect(put?.wireBytes).toBeLessThan((put?.bytes ?? 0) / 4)
  })

  test('over 10,000 events, over a megabyte and over days are several puts, each as CloudWatch wants it', async () => {
    const { local, exporter, send } = await library()
    const now = Date.now()
    const many = Array.from({ length: 12_000 }, (_, i) => ({ body: `m${i}`, time: nanos(now - i) }))
    const large = Array.from({ length: 3 }, (_, i) => ({ body: `${i}`.repeat(600_000), time: nanos(now) }))
    const days = Array.from({ length: 10 }, (_, i) => ({ body: `d${i}`, time: nanos(now - i * DAY_MS - 1) }))
    expect((await send(...many, ...large, ...days)).code).toBe(0)
    expect(local.events()).toHaveLength(12_013)
    expect(local.calls.count('PutLogEvents')).toBe(local.calls.count('PutLogEvents', 'ok') + 1) // the missing group
    expect(account(exporter)).toEqual({ received: 12_013, delivered: 12_013, eventsWritten: 12_013 })
  })

  test('an event over the limit is cut and stays JSON', async () => {
    const { local, send } = await library()
    expect((await send({ body: '"'.repeat(1_100_000), attributes: { keep: 1n } })).code).toBe(0)
    const [event] = local.events()
    expect(JSON.parse(event?.message ?? '')).toMatchObject({ attributes: { keep: 1 } })
    expect(Buffer.byteLength(event?.message ?? '')).toBeLessThanOrEqual(1_048_550)
  })

  test('has the sender’s text unchanged', async () => {
    const { local, send } = await library()
    const body = '"\\\n\t\u0000\u001f\u007f é€😀 \u2028 </script>'
    await send({ body })
    expect(storedBodies(local)).toEqual([body])
  })
})

test('with wait_for_result the ledger is right too', async () => {
  const { local, exporter, send } = await library({ sendingQueue: { waitForResult: true } })
  expect((await send({ body: 'a' }, { body: 'b' })).code).toBe(0)
  local.faults.rejectAll('too_new')
  expect((await send({ body: 'c' })).code).toBe(1)
  expect(account(exporter)).toMatchObject({ received: 3, delivered: 2, 'rejected.too_new': 1 })
})

test('records that arrive together share a put', async () => {
  const { local, exporter, send } = await library({ flushInterval: '100ms' })
  await send({ body: 'first' })
  const results = await Promise.all(Array.from({ length: 20 }, (_, i) => send({ body: `${i}` })))
  expect(results.every(({ code }) => code === 0)).toBe(true)
  expect(local.calls.count('PutLogEvents', 'ok')).toBeLessThanOrEqual(3)
  await vi.waitFor(() => expect(account(exporter)).toMatchObject({ delivered: 21 }), { timeout: 20_000 })
})
