import type { Socket } from 'node:net'
import { quoted } from '../../listen/socket/last-words.ts'
import { tlsFailure } from '../../listen/tls/tls-failure.ts'
import type { RefusalLog } from './refusal-log.ts'
import { plainOnTlsPort, tlsFailed } from './refusals.ts'

/** Counts a failed handshake. OpenSSL has closed the connection, with an alert if the client speaks TLS. */
export function refuseTls(refusals: RefusalLog, socket: Socket, error: NodeJS.ErrnoException): void {
  const failure = tlsFailure(error)
  if (failure === 'not_tls') refusals.connection('wrong_protocol', plainOnTlsPort(), socket.remoteAddress)
  else if (failure === 'handshake') refusals.connection('tls_failed', tlsFailed(reasonOf(error)), socket.remoteAddress)
}

/** The reason in OpenSSL's message, without addresses and file names. */
function reasonOf({ message, code }: NodeJS.ErrnoException): string {
  const [, reason] = /^[\dA-F]+:error:[\dA-F]+:[^:]*:[^:]*:([^:]*)/i.exec(message) ?? []
  return quoted(reason ?? code ?? message)
}
