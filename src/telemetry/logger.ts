/** Structured fields of a log line. Never contain secrets. */
export type Fields = Readonly<Record<string, unknown>>

export type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * The log of all components. Levels are about the user's data: WARN = something is wrong and nothing is lost,
 * ERROR = records are lost or an operator is needed. Never log per record: use a counter.
 */
export interface Logger {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
  /** Returns a logger that adds these fields to each line. */
  child(fields: Fields): Logger
}

/** A logger that writes nothing: for the library unless the application enables logging, and for tests. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
