import type { BuildInfo } from '../component/component.ts'
import about from '../../package.json' with { type: 'json' }

/** Name and version of this package. */
export function buildInfo(): BuildInfo {
  return { name: about.name, version: about.version }
}
