import type { Hint } from '../../component/hint.ts'
import { reach } from '../../intake/reach.ts'
import type { HttpJsonConfig } from './config.ts'

/** Returns the URL of each receiver. */
export function httpJsonHints(configs: ReadonlyMap<string, HttpJsonConfig>): readonly Hint[] {
  return [...configs.values()].map((config) => {
    const isUnix = config.transport === 'unix'
    const prefix = isUnix ? '' : config.tls ? 'https://' : 'http://'
    return { about: 'send', text: `JSON to ${reach(config, prefix, isUnix ? '' : config.path)}` }
  })
}
