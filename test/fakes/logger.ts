import type { Fields, Logger } from '../../src/telemetry/logger.ts'

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Fields
}

/** Tells of every line, also of its children's. */
export function listeningLogger(onLine: (line: LogLine) => void): Logger {
  const log =
    (level: string) =>
    (message: string, fields: Fields = {}) =>
      onLine({ level, message, fields })
  const logger: Logger = {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: () => logger,
  }
  return logger
}

/** As text: `warn the disk is full {"freeBytes":0}`. */
export function lineText({ level, message, fields }: LogLine): string {
  return Object.keys(fields).length === 0 ? `${level} ${message}` : `${level} ${message} ${JSON.stringify(fields)}`
}
