// NO_PROXY by the rules of Go's golang.org/x/net/http/httpproxy, which the collector and most agents follow. In Node's own
// rules `example.com` does not cover its subdomains, and there are no CIDR blocks.

import { BlockList, isIP } from 'node:net'
import { domainToASCII } from 'node:url'

/** Whether a host is reached without a proxy. */
type Rule = (host: string, port: string, family: number) => boolean

/** @returns whether `host` (without brackets) and `port` are exempt from the proxy */
export type NoProxy = (host: string, port: string) => boolean

/** Unparsable entries match nothing, as in Go. */
export function parseNoProxy(text: string): NoProxy {
  const entries = text.split(',').map((entry) => entry.trim().toLowerCase())
  if (entries.includes('*')) return () => true
  const rules = entries.map(parseEntry).filter((rule) => rule !== undefined)
  return (host, port) => {
    const name = host.toLowerCase()
    const family = isIP(name)
    return rules.some((rule) => rule(name, port, family))
  }
}

/** `localhost` and the loopback addresses, which no proxy can reach for this machine. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true
  const family = isIP(host)
  return family !== 0 && LOOPBACK.check(host, familyName(family))
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

function parseEntry(entry: string): Rule | undefined {
  if (entry === '') return undefined
  const block = parseBlock(entry)
  if (block !== undefined) return (host, _, family) => family !== 0 && block.check(host, familyName(family))
  const [host, port] = splitPort(entry)
  if (host === '') return undefined
  const isPort = (given: string) => port === undefined || port === given
  if (isIP(host) !== 0) {
    const address = new BlockList()
    address.addAddress(host, familyName(isIP(host)))
    return (given, givenPort, family) => family !== 0 && isPort(givenPort) && address.check(given, familyName(family))
  }
  // `*.example.com` and `.example.com` cover only subdomains; `example.com` also covers itself.
  const pattern = host.startsWith('*.') ? host.slice(1) : host
  const coversItself = !pattern.startsWith('.')
  const name = domainToASCII(pattern.replace(/^\./, '')) || pattern.replace(/^\./, '')
  return (given, givenPort, family) =>
    family === 0 && isPort(givenPort) && (given.endsWith(`.${name}`) || (coversItself && given === name))
}

/** A CIDR block, such as 10.0.0.0/8. */
function parseBlock(entry: string): BlockList | undefined {
  const [address = '', prefix, ...more] = entry.split('/')
  const family = isIP(address)
  if (family === 0 || prefix === undefined || more.length > 0 || !/^\d{1,3}$/.test(prefix)) return undefined
  const bits = Number(prefix)
  if (bits > (family === 4 ? 32 : 128)) return undefined
  const block = new BlockList()
  block.addSubnet(address, bits, familyName(family))
  return block
}

/** `host:port`, `[v6]:port`, or a host alone, which may be an IPv6 address without brackets. */
function splitPort(entry: string): [host: string, port: string | undefined] {
  const bracketed = /^\[(.*)\](?::(\d*))?$/.exec(entry)
  if (bracketed !== null) return [bracketed[1] ?? '', bracketed[2] || undefined]
  const parts = entry.split(':')
  return parts.length === 2 ? [parts[0] ?? '', parts[1] || undefined] : [entry, undefined]
}

function familyName(family: number): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6'
}
