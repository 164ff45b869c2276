import { readFileSync } from 'node:fs'
import type { BuildInfo } from '../component/component.ts'

/** Name and version of this package; `package.json` lies two folders up from here both in `src` and in `dist`. */
export function buildInfo(): BuildInfo {
  const { name, version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as BuildInfo
  return { name, version }
}
