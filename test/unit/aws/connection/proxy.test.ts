import { describe, expect, test } from 'vitest'
import { AwsEnvironment } from '../../../../src/aws/environment/environment.ts'
import { findProxies, parseProxy } from '../../../../src/aws/connection/proxy.ts'

describe("a proxy's URL", () => {
  test.each([
    ['http://proxy:3128', 'http://proxy:3128'],
    ['https://proxy', 'https://proxy'],
    ['proxy:3128', 'http://proxy:3128'],
    ['proxy', 'http://proxy'],
    ['10.0.0.1:3128', 'http://10.0.0.1:3128'],
    ['[fd00::1]:3128', 'http://[fd00::1]:3128'],
    ['user:pass@proxy:3128', 'http://user:pass@proxy:3128'],
    ['HTTP://Proxy:3128/', 'http://proxy:3128'],
    ['http://user:p%40ss@proxy:3128\n', 'http://user:p%40ss@proxy:3128'],
  ])('%j is %s', (text, url) => expect(parseProxy(text)).toEqual({ url }))

  test.each([
    ['socks5://u:c4n4ry@proxy:1080', /^socks5:\/\/ proxies are not supported: write the http:\/\/ address/],
    ['socks5h://u:c4n4ry@proxy:1080', /^socks5h:\/\/ proxies are not supported/],
    ['socks4://c4n4ry', /^socks4:\/\/ proxies are not supported/],
    ['ftp://u:c4n4ry@proxy', /write http:\/\/host:port/],
    ['http://u:c4n4ry@proxy:port', /write http:\/\/host:port/],
    ['http://u:c4n4ry@proxy:99999', /write http:\/\/host:port/],
    ['http://u:c4n#4ry@proxy:3128', /write http:\/\/host:port/],
    ['http://u:1/c4n4ry@proxy:3128', /write http:\/\/host:port/],
    ['http://u:1?c4n4ry@proxy:3128', /write http:\/\/host:port/],
    ['http://u:c4n4ry%zz@proxy:3128', /write %25 instead/],
    ['http://u:c4n4ry%0a@proxy:3128', /write %25 instead/],
    ['http://u:c4n\n4ry@proxy:3128', /contains white space/],
    ['http://', /write http:\/\/host:port/],
    ['://c4n4ry', /write http:\/\/host:port/],
  ])('%j is refused with the expected form, without its value', (text, problem) => {
    const parsed = parseProxy(text)
    expect(parsed.problem).toMatch(problem)
    expect(JSON.stringify(parsed)).not.toMatch(/c4n|4ry/)
  })
})

describe('which proxy', () => {
  const proxiesOf = (env: Record<string, string>, address?: string) => findProxies(address, new AwsEnvironment(env))

  test('upper case goes before lower case, as in Go', () => {
    const { http, https } = proxiesOf({ HTTP_PROXY: 'up', http_proxy: 'low', HTTPS_PROXY: 'ups', https_proxy: 'lows' })
    expect([http, https]).toEqual(['http://up', 'http://ups'])
    expect(proxiesOf({ HTTP_PROXY: '', http_proxy: 'low' }).http).toBe('http://low')
    expect(proxiesOf({ HTTPS_PROXY: 'a', NO_PROXY: 'x.com', no_proxy: 'y.com' }).uses('https', 'y.com', '443')).toBe(
      true,
    )
  })

  test('ALL_PROXY is not read, as in Go', () => {
    const { http, https } = proxiesOf({ ALL_PROXY: 'http://proxy', all_proxy: 'http://proxy' })
    expect([http, https]).toEqual([undefined, undefined])
  })

  test('the proxy of one scheme is not used for the other', () => {
    const proxies = proxiesOf({ HTTP_PROXY: 'proxy' })
    expect([proxies.uses('http', 'a.com', '80'), proxies.uses('https', 'a.com', '443')]).toEqual([true, false])
  })

  test.each(['169.254.169.254', '169.254.170.2', '169.254.170.23', 'fd00:ec2::254', 'fd00:ec2::23'])(
    'the metadata address %s is never reached through a proxy',
    (host) => {
      expect(proxiesOf({ HTTP_PROXY: 'proxy' }).uses('http', host, '80')).toBe(false)
      expect(proxiesOf({}, 'proxy').uses('http', host, '80')).toBe(false)
    },
  )

  test('loopback is not reached through a proxy of the environment, only through proxy_address', () => {
    expect(proxiesOf({ HTTP_PROXY: 'proxy' }).uses('http', 'localhost', '4566')).toBe(false)
    expect(proxiesOf({}, 'proxy').uses('http', 'localhost', '4566')).toBe(true)
    expect(proxiesOf({ NO_PROXY: 'localhost' }, 'proxy').uses('http', 'localhost', '4566')).toBe(false)
  })

  test('a variable with a URL that cannot be used is named', () => {
    expect(() => proxiesOf({ https_proxy: 'socks5://proxy' })).toThrow(/^https_proxy: socks5:/)
    expect(() => proxiesOf({}, 'http://u:c4n4ry@:')).toThrow(/^proxy_address: is not a URL/)
  })
})
