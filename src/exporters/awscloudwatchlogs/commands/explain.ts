import { ComponentError } from '../../../component/component.ts'
import { describeError } from '../../../telemetry/describe-error.ts'

/**
 * One line for what an operator can mend: what the system or a component says of a directory.
 * @throws the error itself, if it is none of these: a defect
 */
export function explain(directory: string, error: unknown): string {
  const { syscall, code } = error as NodeJS.ErrnoException
  if (!(error instanceof ComponentError) && syscall === undefined) throw error
  const text = describeError(error)
  const where = text.includes(directory) ? text : `${directory}: ${text}`
  return code === 'EACCES' || code === 'EPERM' ? `${where}: run the command as the user of the daemon` : where
}
