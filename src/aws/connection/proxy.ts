// Chooses the proxy for a host by the rules of golang.org/x/net/http/httpproxy, as the Go collector does, except that an
// unusable proxy is an error. Messages contain no part of a proxy's URL: it may hold a password.

import { ComponentError } from '../../component/component.ts'
import type { AwsEnvironment } from '../environment/environment.ts'
import { isLoopback, type NoProxy, parseNoProxy } from './no-proxy.ts'

/** Sources of credentials; through a proxy they would return those of another instance. */
const METADATA_HOSTS: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
])

export interface Proxies {
  /** URLs in Node's form; undefined without a proxy for the scheme. */
  readonly http: string | undefined
  readonly https: string | undefined
  /** @param host without brackets */
  uses(scheme: 'http' | 'https', host: string, port: string): boolean
}

/**
 * @param address `proxy_address`: used for every host except those of NO_PROXY, also for loopback, because it was set for
 * this endpoint
 * @throws ComponentError naming the option or variable that is no proxy URL
 */
export function findProxies(address: string | undefined, env: AwsEnvironment): Proxies {
  const noProxy = parseNoProxy(env.get('NO_PROXY', 'no_proxy') ?? '')
  if (address !== undefined) {
    const proxy = mustParse('proxy_address', address)
    return proxies(proxy, proxy, noProxy)
  }
  const fromEnvironment = (...names: readonly ['HTTPS_PROXY' | 'HTTP_PROXY', 'https_proxy' | 'http_proxy']) => {
    const name = names.find((candidate) => env.get(candidate) !== undefined)
    return name === undefined ? undefined : mustParse(name, env.get(name) ?? '')
  }
  const exempt: NoProxy = (host, port) => isLoopback(host) || noProxy(host, port)
  return proxies(fromEnvironment('HTTP_PROXY', 'http_proxy'), fromEnvironment('HTTPS_PROXY', 'https_proxy'), exempt)
}

function proxies(http: string | undefined, https: string | undefined, exempt: NoProxy): Proxies {
  return {
    http,
    https,
    uses: (scheme, host, port) =>
      (scheme === 'http' ? http : https) !== undefined &&
      !METADATA_HOSTS.has(host.toLowerCase()) &&
      !exempt(host, port),
  }
}

function mustParse(name: string, text: string): string {
  const parsed = parseProxy(text)
  if (parsed.problem !== undefined) throw new ComponentError(`${name}: ${parsed.problem}`)
  return parsed.url
}

type ParsedProxy =
  | { readonly url: string; readonly problem?: undefined }
  | {
      /** The error and its fix, without any part of the URL. */
      readonly problem: string
    }

/** @param text a URL, or `host:port`, which means http:// */
export function parseProxy(text: string): ParsedProxy {
  const trimmed = text.trim()
  if (/\s/.test(trimmed)) return { problem: 'contains white space: write http://host:port on one line' }
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase()
  if (scheme?.startsWith('socks') === true)
    return { problem: `${scheme}:// proxies are not supported: write the http:// address of an HTTP proxy` }
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    return { problem: 'is not the URL of an HTTP proxy: write http://host:port or https://host:port' }
  const full = scheme === undefined ? `http://${trimmed}` : trimmed
  if (!URL.canParse(full)) return { problem: `is not a URL: ${WRITE}` }
  const url = new URL(full)
  // `http://user:1/2@proxy` parses as a host called user: DNS would be asked for part of the credentials.
  if (url.hostname === '' || `${url.pathname}${url.search}${url.hash}`.includes('@'))
    return { problem: `is not a URL: ${WRITE}` }
  if (!isDecodable(url.username) || !isDecodable(url.password))
    return { problem: `has a % in its user or password that is no escape: write %25 instead` }
  return { url: `${url.protocol}//${userinfo(url)}${url.host}` }
}

const WRITE =
  'write http://host:port, or http://user:password@host:port with the characters / ? # @ % of a password as %2F %3F %23 %40 %25'

function userinfo({ username, password }: URL): string {
  if (username === '' && password === '') return ''
  return `${username}${password === '' ? '' : `:${password}`}@`
}

function isDecodable(text: string): boolean {
  try {
    // A line break would end the header that carries it.
    return !/[\r\n]/.test(decodeURIComponent(text))
  } catch {
    return false
  }
}
