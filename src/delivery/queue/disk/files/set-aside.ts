import { basename, dirname, join } from 'node:path'
import type { Logger } from '../../../../telemetry/logger.ts'
import type { Files } from './files.ts'

const SUFFIX = '.corrupt'
/** Maximum damaged segments kept for inspection: a failing disk would fill up with them. */
const MAX_KEPT = 8

/** Renames a damaged segment so that the queue no longer reads it. */
export async function setAside(files: Files, path: string, logger: Logger): Promise<void> {
  await files.rename(path, `${path}${SUFFIX}`)
  const directory = dirname(path)
  const kept = (await files.list(directory)).filter((name) => name.endsWith(SUFFIX)).sort()
  for (const oldest of kept.slice(0, Math.max(0, kept.length - MAX_KEPT))) {
    if (oldest === basename(path)) continue
    logger.warn('removed the oldest damaged queue segment: there are too many', { file: oldest })
    await files.remove(join(directory, oldest))
  }
}
