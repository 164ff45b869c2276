/** OpenSSL's codes for a client that sends something other than TLS. */
const NOT_TLS: ReadonlySet<string> = new Set([
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
])

/** @returns `not_tls` for a client without TLS; undefined for one that only disconnected, as port probes do */
export function tlsFailure({ code = '' }: NodeJS.ErrnoException): 'not_tls' | 'handshake' | undefined {
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined
  return NOT_TLS.has(code) ? 'not_tls' : 'handshake'
}
