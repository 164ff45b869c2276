import { describe, expect, test, vi } from 'vitest'
import { callCloudWatch, refusalOf } from '../../fakes/call-cloudwatch.ts'
import { library, localCloudWatch, problem, storedBodies } from '../library/library.ts'

// One thing broken at a time: what else there is goes on, and when it works again every record is there once.

const WITHIN = { timeout: 20_000, interval: 20 }
const TEN = Array.from({ length: 10 }, (_, i) => `s${i}`)

describe('groups', () => {
  test('ten groups, one denied: nine are written once and not sent again because of it', async () => {
    const { local, exporter, sendTo } = await library({ logGroupName: '/app/{name}' })
    const denied = local.faults.deny({ group: '/app/s4' })
    const all = Promise.all(['a', 'b', 'c'].map((body) => sendTo(TEN, body)))
    await vi.waitUntil(() => exporter.ledger.delivered === 27 && denied.hits > 2, WITHIN)
    expect(exporter.ledger).toMatchObject({ received: 30, queued: 3 })
    for (const name of TEN) expect(storedBodies(local, `/app/${name}`)).toHaveLength(name === 's4' ? 0 : 3)

    denied.off()
    expect((await all).map(problem)).toEqual([undefined, undefined, undefined])
    for (const name of TEN) expect(storedBodies(local, `/app/${name}`).toSorted()).toEqual(['a', 'b', 'c'])
    expect(exporter.ledger.difference()).toBe(0)
  })

  test('a group deleted under load is created again, and no record is lost', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'before' })
    local.store.groups.delete('group')
    expect((await send({ body: 'after' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['after'])
    expect(local.calls.count('CreateLogGroup', 'ok')).toBe(2)
    expect(exporter.ledger).toMatchObject({ delivered: 2, retries: 0 })
  })

  test('a stream deleted under load is created again in its group, and no record is lost', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'before' })
    local.store.groups.get('group')?.streams.delete('stream')
    expect((await send({ body: 'after' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['after'])
    expect(local.calls.count('CreateLogGroup', 'ok')).toBe(1)
    expect(local.calls.count('CreateLogStream', 'ok')).toBe(2)
    expect(exporter.ledger).toMatchObject({ delivered: 2, retries: 0 })
  })

  test('twenty new streams of a new group at once: one CreateLogGroup', async () => {
    const { local, sendTo } = await library({ logStreamName: '{name}', sendingQueue: { numConsumers: 20 } })
    const names = Array.from({ length: 20 }, (_, i) => `s${i}`)
    expect((await sendTo(names, 'x')).code).toBe(0)
    expect(local.calls.count('CreateLogGroup')).toBe(1)
    expect(local.calls.count('CreateLogStream', 'ok')).toBe(20)
    expect([...(local.store.groups.get('group')?.streams.keys() ?? [])].toSorted()).toEqual(names.toSorted())
    expect(storedBodies(local)).toHaveLength(20)
  })

  test('new groups get the retention and the tags, existing groups keep theirs', async () => {
    const { local, sendTo } = await library({
      logGroupName: '/app/{name}',
      logRetention: 30,
      tags: { team: 'shop', 'Cost Centre': '7' },
    })
    const other = await library({ logGroupName: '/app/{name}' }, local)
    await other.sendTo(['old'], 'x')
    await sendTo(['old', 'new'], 'x')
    expect(local.store.groups.get('/app/new')).toMatchObject({ retentionInDays: 30 })
    expect(Object.fromEntries(local.store.groups.get('/app/new')?.tags ?? [])).toEqual({
      team: 'shop',
      'Cost Centre': '7',
    })
    expect(local.store.groups.get('/app/old')?.retentionInDays).toBeUndefined()
    expect([...(local.store.groups.get('/app/old')?.tags ?? [])]).toEqual([])
  })

  test('a group whose retention may not be set is written anyway', async () => {
    const local = await localCloudWatch()
    local.faults.error('AccessDeniedException', 'no', 400, { operation: 'PutRetentionPolicy' })
    const { send } = await library({ logRetention: 30 }, local)
    expect((await send({ body: 'x' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['x'])
  })

  test('a group that may not be created holds up its own records and no others', async () => {
    const local = await localCloudWatch()
    const denied = local.faults.deny({ group: '/app/s4', operation: 'CreateLogGroup' })
    const { exporter, sendTo } = await library({ logGroupName: '/app/{name}' }, local)
    const sent = sendTo(TEN, 'x')
    await vi.waitUntil(() => exporter.ledger.delivered === 9 && denied.hits > 1, WITHIN)
    denied.off()
    expect((await sent).code).toBe(0)
  })

  test('a group that is not visible right after its creation: its records are sent again', async () => {
    const local = await localCloudWatch()
    local.faults.error('ResourceNotFoundException', 'not yet', 400, { operation: 'PutLogEvents', times: 4 })
    const { exporter, send } = await library({}, local)
    expect((await send({ body: 'x' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['x'])
    expect(exporter.ledger).toMatchObject({ retries: 3, possibleDuplicates: 0 })
    expect(local.calls.count('CreateLogStream')).toBe(2)
  })

  test('a group that another client creates at the same moment is used', async () => {
    const local = await localCloudWatch()
    const where = { operation: 'CreateLogStream', times: 1 }
    const exists = local.faults.error(
      'ResourceAlreadyExistsException',
      'The specified log stream already exists',
      400,
      where,
    )
    // Without retries a creation that counted as failed would lose the record.
    const { send } = await library({ retryOnFailure: { enabled: false } }, local)
    const sent = send({ body: 'x' })
    // The other client's stream becomes visible after the refusal.
    await vi.waitUntil(() => exists.hits === 1, WITHIN)
    expect(refusalOf(await callCloudWatch(local.url, 'CreateLogGroup', { logGroupName: 'group' }))).toBe('ok')
    const stream = { logGroupName: 'group', logStreamName: 'stream' }
    expect(refusalOf(await callCloudWatch(local.url, 'CreateLogStream', stream))).toBe('ok')
    expect((await sent).code).toBe(0)
    expect(storedBodies(local)).toEqual(['x'])
    // The exporter's, which was refused and not repeated, and the other client's.
    expect(local.calls.count('CreateLogStream')).toBe(2)
  })
})

describe('the whole account or endpoint', () => {
  test('a throttled account: puts already in flight finish, and no other goes out before the wait is over', async () => {
    const { local, exporter, sendTo } = await library({
      logGroupName: '/app/{name}',
      // The wait is random below this: over before the test is, once in ten thousand times.
      retryOnFailure: { initialInterval: '24h', maxInterval: '24h' },
      sendingQueue: { numConsumers: 3 },
      flushTimeoutMillis: 300,
    })
    const storm = local.faults.throttle({ operation: 'PutLogEvents' })
    const elsewhere = await library()
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < 50; i++) {
      sent.push(sendTo(TEN, `${i}`))
      // In this time another account takes a put.
      expect((await elsewhere.send({ body: 'x' })).code).toBe(0)
    }
    expect(exporter.ledger).toMatchObject({ received: 500, queued: 500 })
    expect(storm.hits).toBeGreaterThan(0)
    expect(storm.hits).toBeLessThanOrEqual(3)
    await exporter.shutdown()
    await Promise.all(sent)
  })

  test('a throttle storm that passes: every record once', async () => {
    const { local, exporter, sendTo } = await library({ logGroupName: '/app/{name}' })
    await sendTo(TEN, 'first')
    const storm = local.faults.throttle({ operation: 'PutLogEvents' })
    const sent = Promise.all(['a', 'b', 'c'].map((body) => sendTo(TEN, body)))
    await vi.waitUntil(() => storm.hits >= 6, WITHIN)
    expect(exporter.ledger).toMatchObject({ delivered: 10, queued: 30 })
    storm.off()
    expect((await sent).map(problem)).toEqual([undefined, undefined, undefined])
    for (const name of TEN) expect(storedBodies(local, `/app/${name}`).toSorted()).toEqual(['a', 'b', 'c', 'first'])
    expect(exporter.ledger).toMatchObject({ delivered: 40, possibleDuplicates: 0 })
  })

  test.each([500, 502, 503, 504] as const)(
    'a server that answers %i for a while: every record once',
    async (status) => {
      const { local, exporter, send } = await library()
      await send({ body: 'first' })
      local.faults.fail(status, { times: 5 })
      expect((await send({ body: 'a' })).code).toBe(0)
      expect(storedBodies(local)).toEqual(['first', 'a'])
      // Only after a 503 it is sure that nothing was taken.
      expect(exporter.ledger.possibleDuplicates).toBe(status === 503 ? 0 : 5)
    },
  )

  test('an endpoint that is gone and comes back', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    await local.down()
    const sent = Promise.all(['a', 'b', 'c'].map((body) => send({ body })))
    await vi.waitUntil(() => exporter.ledger.retries > 3, WITHIN)
    expect(exporter.ledger.queued).toBe(3)
    await local.up()
    expect((await sent).map(problem)).toEqual([undefined, undefined, undefined])
    expect(storedBodies(local).toSorted()).toEqual(['a', 'b', 'c', 'first'])
  })

  test('an endpoint that never answers: records that cannot be sent in time are lost, and reported', async () => {
    const local = await localCloudWatch()
    await local.down()
    const { exporter, send } = await library({ flushTimeoutMillis: 300 }, local)
    const sent = send({ body: 'a' }, { body: 'b' })
    await vi.waitUntil(() => exporter.ledger.retries > 0, WITHIN)
    await expect(exporter.forceFlush()).rejects.toThrow('2 records are still queued after 300 ms')
    await exporter.shutdown()
    expect(problem(await sent)).toBe('not every record was delivered: 2 lost: shutdown')
    expect(exporter.ledger).toMatchObject({ queued: 0, lost: { shutdown: 2 } })
    expect(exporter.ledger.difference()).toBe(0)
  })

  test('credentials that expire and are renewed', async () => {
    const { local, exporter, send } = await library()
    await send({ body: 'first' })
    const expired = local.faults.expireCredentials()
    const sent = send({ body: 'a' })
    await vi.waitUntil(() => expired.hits >= 2, WITHIN)
    expect(exporter.ledger.queued).toBe(1)
    expired.off()
    expect((await sent).code).toBe(0)
    expect(storedBodies(local)).toEqual(['first', 'a'])
  })

  test('retry_on_failure off: a failed put is not retried, and counted by reason', async () => {
    const { local, send } = await library({ retryOnFailure: { enabled: false } })
    await send({ body: 'first' })
    local.faults.fail(503, { times: 1 })
    expect(problem(await send({ body: 'a' }))).toBe('not every record was delivered: 1 lost: expired')
    expect((await send({ body: 'b' })).code).toBe(0)
    expect(storedBodies(local)).toEqual(['first', 'b'])
  })

  test('max_elapsed_time: records that wait longer are given up', async () => {
    const { local, send } = await library({ retryOnFailure: { maxElapsedTime: '500ms', maxInterval: '100ms' } })
    await send({ body: 'first' })
    local.faults.deny({ group: 'group' })
    expect(problem(await send({ body: 'a' }))).toBe('not every record was delivered: 1 lost: expired')
  })
})
