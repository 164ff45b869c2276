import { describe, expect, test } from 'vitest'
import { isLoopback, parseNoProxy } from '../../../../src/aws/connection/no-proxy.ts'

// Rows of the rules of Go's httpproxy: entry, host, port, and whether the host is reached directly.
describe('NO_PROXY, by the rules of Go', () => {
  test.each<[entry: string, host: string, port: string, direct: boolean]>([
    ['example.com', 'example.com', '443', true],
    ['example.com', 'a.b.example.com', '443', true],
    ['example.com', 'notexample.com', '443', false],
    ['.example.com', 'a.example.com', '443', true],
    ['.example.com', 'example.com', '443', false],
    ['*.example.com', 'a.example.com', '443', true],
    ['*.example.com', 'example.com', '443', false],
    ['EXAMPLE.com', 'example.COM', '443', true],
    ['example.com:443', 'example.com', '443', true],
    ['example.com:443', 'example.com', '80', false],
    ['*', 'anything', '1', true],
    ['other.net, *', 'anything', '1', true],
    ['a.com,b.com', 'b.com', '1', true],
    [' a.com , b.com ', 'b.com', '1', true],
    ['10.0.0.1', '10.0.0.1', '443', true],
    ['10.0.0.1', '10.0.0.2', '443', false],
    ['10.0.0.1:80', '10.0.0.1', '80', true],
    ['10.0.0.1:80', '10.0.0.1', '443', false],
    ['10.0.0.0/8', '10.9.8.7', '443', true],
    ['10.0.0.0/8', '11.0.0.1', '443', false],
    ['10.0.0.0/33', '10.0.0.1', '443', false],
    ['10.0.0.0/8', '10.example.com', '443', false],
    ['fd00::/8', 'fd00:ec2::1', '443', true],
    ['fd00::/8', 'fe80::1', '443', false],
    ['::1', '::1', '443', true],
    ['[fd00::1]:443', 'fd00::1', '443', true],
    ['[fd00::1]:443', 'fd00::1', '80', false],
    ['[fd00::1]', 'fd00::1', '80', true],
    ['bücher.example', 'xn--bcher-kva.example', '443', true],
    // What Node understands and Go does not.
    ['10.0.0.1-10.0.0.9', '10.0.0.5', '443', false],
    ['exam*.com', 'example.com', '443', false],
    // Nothing in it.
    ['', 'example.com', '443', false],
    [',,', 'example.com', '443', false],
    [':443', 'example.com', '443', false],
  ])('%j: %s port %s is reached directly: %s', (entry, host, port, direct) => {
    expect(parseNoProxy(entry)(host, port)).toBe(direct)
  })

  test.each([
    ['localhost', true],
    ['LOCALHOST', true],
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['localhost.example.com', false],
    ['128.0.0.1', false],
  ])('%s is loopback: %s', (host, loopback) => expect(isLoopback(host)).toBe(loopback))

  test('a list of a hundred thousand entries is parsed and searched in linear time', () => {
    const noProxy = parseNoProxy(Array.from({ length: 100_000 }, (_, n) => `host${n}.example.com`).join(','))
    expect(noProxy('host99999.example.com', '443')).toBe(true)
    expect(noProxy('other.example.com', '443')).toBe(false)
  })
})
