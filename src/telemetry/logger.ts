/** Structured fields of a log line. Secrets never go in. */
export type Fields = Readonly<Record<string, unknown>>

export type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * The log every part writes to. Levels speak of the user's data: WARN = something is wrong and nothing is lost,
 * ERROR = records are lost or an operator is needed. Never called per record: a counter is.
 */
export interface Logger {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
  /** A logger that adds these fields to each line. */
  child(fields: Fields): Logger
}

/** Says nothing: for the library until the application asks, and for tests. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
