import { expect, test, vi } from 'vitest'
import { library, localCloudWatch, storedBodies, withoutAws } from '../library/library.ts'
import { startProxy, startTls, TLS } from './proxies.ts'

test('proxy_address carries the calls of a plain endpoint', async () => {
  const proxy = await startProxy()
  const { local, send } = await library({ proxyAddress: proxy.url })
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['a'])
  expect(new Set(proxy.asked)).toEqual(new Set([`POST ${local.url}/`]))
})

test('a TLS endpoint is reached by CONNECT, and trusted by certificate_file_path', async () => {
  const proxy = await startProxy()
  const local = await localCloudWatch()
  const endpoint = await startTls(local.url)
  const { send } = await library({ proxyAddress: proxy.url, endpoint, certificateFilePath: `${TLS}ca.pem` }, local)
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['a'])
  expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${new URL(endpoint).host}`]))
})

test('HTTPS_PROXY and HTTP_PROXY are used, except for hosts in NO_PROXY', async () => {
  withoutAws()
  const local = await localCloudWatch()
  const proxy = await startProxy(local.url)
  vi.stubEnv('HTTP_PROXY', proxy.url)
  const endpoint = 'http://logs.example.test'
  const through = await library({ endpoint }, local)
  expect((await through.send({ body: 'a' })).code).toBe(0)
  expect(new Set(proxy.asked)).toEqual(new Set([`POST ${endpoint}/`]))

  proxy.asked.length = 0
  // A domain covers its subdomains, as in Go: the host is looked up here, where it is unknown.
  vi.stubEnv('NO_PROXY', 'example.org,example.test')
  const around = await library({ endpoint, flushTimeoutMillis: 500 }, local)
  const sent = around.send({ body: 'b' })
  await vi.waitUntil(() => around.exporter.ledger.retries > 0, { timeout: 20_000 })
  await around.exporter.shutdown()
  expect((await sent).code).toBe(1)
  expect(proxy.asked).toEqual([])
})

test('an untrusted certificate is a fault of the endpoint, and no_verify_ssl accepts it', async () => {
  const local = await localCloudWatch()
  const endpoint = await startTls(local.url)
  const strict = await library({ endpoint, flushTimeoutMillis: 500 }, local)
  const sent = strict.send({ body: 'a' })
  await vi.waitUntil(() => strict.exporter.ledger.retries > 0, { timeout: 20_000 })
  expect(storedBodies(local)).toEqual([])
  await strict.exporter.shutdown()
  expect((await sent).code).toBe(1)

  const lax = await library({ endpoint, noVerifySsl: true }, local)
  expect((await lax.send({ body: 'b' })).code).toBe(0)
  expect(storedBodies(local)).toEqual(['b'])
})

test('an endpoint on this machine is not reached through the proxy of the environment', async () => {
  withoutAws()
  const proxy = await startProxy()
  vi.stubEnv('HTTP_PROXY', proxy.url)
  const { local, send } = await library()
  expect(new URL(local.url).hostname).toBe('localhost')
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(proxy.asked).toEqual([])
})

test('a proxy without a scheme is an HTTP proxy', async () => {
  withoutAws()
  const local = await localCloudWatch()
  const proxy = await startProxy(local.url)
  vi.stubEnv('HTTP_PROXY', proxy.url.replace('http://', ''))
  const { send } = await library({ endpoint: 'http://logs.example.test' }, local)
  expect((await send({ body: 'a' })).code).toBe(0)
  expect(proxy.asked).not.toEqual([])
})

test.each([
  [
    'HTTPS_PROXY',
    'socks5://user:c4n4ry@proxy:1080',
    'socks5:// proxies are not supported: write the http:// address of',
  ],
  ['http_proxy', 'http://user:c4n4ry@proxy:port', 'is not a URL: write http://host:port'],
])('%s=%s stops the start, and its password is not printed', async (name, value, message) => {
  withoutAws()
  vi.stubEnv(name, value)
  const { send } = await library()
  const { error } = await send({ body: 'a' })
  expect(String(error?.cause)).toContain(`${name}: ${message}`)
  expect(
    `${String(error)} ${String(error?.stack)} ${String((error?.cause as Error | undefined)?.stack)}`,
  ).not.toContain('c4n4ry')
})

test('proxy_address with a URL that cannot be used is refused with its option, without its password', async () => {
  await expect(library({ proxyAddress: 'socks5://user:c4n4ry@proxy' })).rejects.toThrow(
    /socks5:\/\/ proxies are not supported/,
  )
  await expect(library({ proxyAddress: 'socks5://user:c4n4ry@proxy' })).rejects.not.toThrow(/c4n4ry/)
})
