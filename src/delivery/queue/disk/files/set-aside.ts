import { basename, dirname, join } from 'node:path'
import type { Logger } from '../../../../telemetry/logger.ts'
import type { Files } from './files.ts'

const SUFFIX = '.corrupt'
/** Damaged segments kept for people to look into; a disk that goes bad would fill itself with them. */
const MAX_KEPT = 8

/** Keeps a damaged segment under a name that nobody reads. */
export async function setAside(files: Files, path: string, logger: Logger): Promise<void> {
  await files.rename(path, `${path}${SUFFIX}`)
  const directory = dirname(path)
  const kept = (await files.list(directory)).filter((name) => name.endsWith(SUFFIX)).sort()
  for (const oldest of kept.slice(0, Math.max(0, kept.length - MAX_KEPT))) {
    if (oldest === basename(path)) continue
    logger.warn('the oldest damaged segment is removed, as there are many', { file: oldest })
    await files.remove(join(directory, oldest))
  }
}
