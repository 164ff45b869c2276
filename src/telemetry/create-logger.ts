import { pino, type DestinationStream, type Logger as Pino } from 'pino'
import { formatConsoleLine } from './console-line.ts'
import { describeError } from './describe-error.ts'
import type { Fields, Level, Logger } from './logger.ts'
import { RepeatFolder, type WriteLine } from './repeat-folder.ts'

export interface LoggerOptions {
  /** Lowest level that is written. */
  readonly level: Level
  /** `console`: lines for people. `json`: one JSON object per line, with the stack of errors. */
  readonly encoding: 'console' | 'json'
  /** Receives one whole line per call. Default: stderr, written synchronously, so that no line is lost at exit. */
  readonly destination?: DestinationStream
}

/** The log of a process. */
export interface RootLogger extends Logger {
  /** Writes the repeats that are still being counted. Call it last. */
  flush(): void
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

/** Creates a logger that folds repeated warnings and errors, see RepeatFolder. The field `component` names the source. */
export function createLogger(options: LoggerOptions): RootLogger {
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true })
  const write = options.encoding === 'json' ? jsonLines(destination) : consoleLines(destination)
  return new FoldingLogger(new RepeatFolder(write), LEVELS.indexOf(options.level), {})
}

function consoleLines(destination: DestinationStream): WriteLine {
  return (level, message, fields) => destination.write(formatConsoleLine(new Date(), level, message, fields))
}

function jsonLines(destination: DestinationStream): WriteLine {
  const lines: Pino = pino(
    {
      level: 'debug',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: serializeError },
    },
    destination,
  )
  return (level, message, fields) => lines[level](fields, message)
}

function serializeError(error: unknown): unknown {
  return error instanceof Error ? { message: describeError(error), stack: error.stack } : error
}

class FoldingLogger implements RootLogger {
  readonly #folder: RepeatFolder
  readonly #least: number
  readonly #bound: Fields

  constructor(folder: RepeatFolder, least: number, bound: Fields) {
    this.#folder = folder
    this.#least = least
    this.#bound = bound
  }

  debug(message: string, fields?: Fields): void {
    this.#log('debug', message, fields)
  }

  info(message: string, fields?: Fields): void {
    this.#log('info', message, fields)
  }

  warn(message: string, fields?: Fields): void {
    this.#log('warn', message, fields)
  }

  error(message: string, fields?: Fields): void {
    this.#log('error', message, fields)
  }

  child(fields: Fields): Logger {
    return new FoldingLogger(this.#folder, this.#least, { ...this.#bound, ...fields })
  }

  flush(): void {
    this.#folder.flush()
  }

  #log(level: Level, message: string, fields: Fields | undefined): void {
    if (LEVELS.indexOf(level) < this.#least) return
    this.#folder.write(level, message, fields === undefined ? this.#bound : { ...this.#bound, ...fields })
  }
}
