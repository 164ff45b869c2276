import type { Hint } from '../../component/hint.ts'
import { reach } from '../../intake/reach.ts'
import type { OtlpReceiverConfig } from './config.ts'

/** Returns the address of each protocol. */
export function otlpHints(configs: ReadonlyMap<string, OtlpReceiverConfig>): readonly Hint[] {
  return [...configs.values()].flatMap(({ protocols: { grpc, http } }) => {
    const lines: string[] = []
    if (grpc !== undefined) lines.push(`OTLP/gRPC to ${reach(grpc)}${grpc.tls ? ' with TLS' : ''}`)
    if (http !== undefined)
      lines.push(`OTLP/HTTP to ${reach(http, http.tls ? 'https://' : 'http://', http.logs_url_path)}`)
    return lines.map((text) => ({ about: 'send', text }) as const)
  })
}
