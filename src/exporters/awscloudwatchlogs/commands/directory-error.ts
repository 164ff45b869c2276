import { ComponentError } from '../../../component/component.ts'
import { describeError } from '../../../telemetry/describe-error.ts'

/**
 * Describes in one line an error that an operator can fix: from the system or a component, about a directory.
 * @throws any other error: a defect
 */
export function describeDirectoryError(directory: string, error: unknown): string {
  const { syscall, code } = error as NodeJS.ErrnoException
  if (!(error instanceof ComponentError) && syscall === undefined) throw error
  const text = describeError(error)
  const where = text.includes(directory) ? text : `${directory}: ${text}`
  return code === 'EACCES' || code === 'EPERM' ? `${where}: run the command as the user of the daemon` : where
}
