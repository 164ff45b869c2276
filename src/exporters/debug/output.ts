import { pino } from 'pino'
import { createLogger } from '../../telemetry/create-logger.ts'
import type { Logger } from '../../telemetry/logger.ts'

/** The exporter's own output, independent of the daemon's log settings. */
export interface Output {
  readonly logger: Logger
  close(): void
}

/**
 * @param paths `stdout`, `stderr` or files
 * @throws the file system's error for a file that cannot be opened
 */
export function openOutput(paths: readonly string[]): Output {
  const files = paths.map((path) => openPath(path))
  const destination = {
    write(line: string) {
      for (const file of files) file.write(line)
    },
  }
  const logger = createLogger({ level: 'info', encoding: 'console', destination })
  return {
    logger,
    close() {
      for (const file of files) file.end()
    },
  }
}

/** Synchronous, so that nothing waits in memory for a slow disk or pipe. */
function openPath(path: string) {
  if (path === 'stdout') return pino.destination({ dest: 1, sync: true })
  if (path === 'stderr') return pino.destination({ dest: 2, sync: true })
  return pino.destination({ dest: path, append: true, sync: true })
}
