import type { CommandHost, ExitCode } from '../../../component/command.ts'

/** Prints why the command cannot run. */
export function refuse(message: string, { err }: CommandHost): ExitCode {
  err(`${message}\n`)
  return 2
}

/** Aborts when the user stops the command. */
export function stopSignal({ stopRequested }: CommandHost): AbortSignal {
  const stop = new AbortController()
  void stopRequested.then(() => stop.abort())
  return stop.signal
}
