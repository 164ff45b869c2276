import type { Hint } from '../../component/hint.ts'
import { reach } from '../../intake/reach.ts'
import type { HttpJsonConfig } from './config.ts'

/** Returns the URL of each receiver. */
export function httpJsonHints(configs: ReadonlyMap<string, HttpJsonConfig>): readonly Hint[] {
  return [...configs.values()].map((config) => {
    const address = reach(config, config.tls ? 'https://' : 'http://', config.path)
    return { about: 'send', text: `JSON to ${address}` }
  })
}
