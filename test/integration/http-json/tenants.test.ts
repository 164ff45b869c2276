// Several senders, each with its own groups and keys.
import { expect, test } from 'vitest'
import { arrived, LOG, post, run } from './setup.ts'

const bearer = (token: string, key?: string) => ({
  authorization: `Bearer ${token}`,
  ...(key !== undefined && { 'idempotency-key': key }),
})

const parts = {
  extensions: {
    bearertokenauth: {
      tenants: {
        blue: { token: 'blue-token', allowed_log_groups: ['/apps/blue/*', '/apps/shared'] },
        red: { token: 'red-token', allowed_log_groups: ['/apps/red/*', '/apps/shared'] },
      },
    },
  },
  receiver: { auth: { authenticator: 'bearertokenauth' } },
}

test('a sender without valid credentials gets 401, also for the OpenAPI document', async () => {
  const { local, daemon } = await run(parts)
  expect(await post(daemon, LOG)).toMatchObject({ status: 401 })
  expect(await post(daemon, LOG, bearer('wrong'))).toMatchObject({ status: 401 })
  expect((await fetch(`http://127.0.0.1:${daemon.httpPort}/openapi.json`)).status).toBe(401)
  expect(await daemon.stop()).toBe(0)
  expect(local.events()).toEqual([])
})

test('a tenant writes its own groups, and a list with a group of another tenant is refused as a whole', async () => {
  const { local, daemon } = await run(parts)
  const own = { ...LOG, log_group: '/apps/blue/a' }
  const other = { ...LOG, log_group: '/apps/red/a' }
  expect(await post(daemon, [own, other], bearer('blue-token', 'k'))).toMatchObject({
    status: 403,
    body: { message: '[1]: blue may not write the log group /apps/red/a' },
  })
  expect(await post(daemon, own, bearer('blue-token', 'k'))).toMatchObject({ status: 202 })
  expect(await post(daemon, other, bearer('red-token'))).toMatchObject({ status: 202 })
  await arrived(local, 2)
  expect([...local.store.groups.keys()].toSorted()).toEqual(['/apps/blue/a', '/apps/red/a'])
})

test('the same key of two tenants is two keys', async () => {
  const { local, daemon } = await run(parts)
  const shared = { ...LOG, log_group: '/apps/shared' }
  const blue = await post(daemon, shared, bearer('blue-token', 'k'))
  const red = await post(daemon, { ...shared, log_message: 'red' }, bearer('red-token', 'k'))
  expect([blue.status, red.status]).toEqual([202, 202])
  expect(red.headers.get('idempotency-replayed')).toBeNull()
  await arrived(local, 2)
})
