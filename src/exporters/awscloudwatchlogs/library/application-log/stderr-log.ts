import { writeSync } from 'node:fs'
import { formatConsoleLine } from '../../../../telemetry/console-line.ts'
import type { Fields, Level, Logger } from '../../../../telemetry/logger.ts'
import { RepeatFolder } from '../../../../telemetry/repeat-folder.ts'
import { withOptionNames } from '../option-names.ts'

const STDERR = 2

/**
 * Warnings and errors of a transport, on stderr: the application's own logger would feed them back to the transport. A line
 * that repeats is written once every 10 s with its count.
 */
export class StderrLog implements Logger {
  readonly #folder: RepeatFolder
  readonly #bound: Fields

  constructor(bound: Fields, folder = new RepeatFolder(writeLine)) {
    this.#folder = folder
    this.#bound = bound
  }

  debug(): void {}

  info(): void {}

  warn(message: string, fields?: Fields): void {
    this.#folder.write('warn', withOptionNames(message), { ...this.#bound, ...fields })
  }

  error(message: string, fields?: Fields): void {
    this.#folder.write('error', withOptionNames(message), { ...this.#bound, ...fields })
  }

  child(fields: Fields): Logger {
    return new StderrLog({ ...this.#bound, ...fields }, this.#folder)
  }

  /** Writes the counted repeats. */
  flush(): void {
    this.#folder.flush()
  }
}

function writeLine(level: Level, message: string, fields: Fields): void {
  try {
    // Not process.stderr: with a closed pipe it emits an error that ends the application.
    writeSync(STDERR, formatConsoleLine(new Date(), level, message, fields))
  } catch {
    // stderr is closed or full. The counts are in `dropped` and `ledger`.
  }
}
