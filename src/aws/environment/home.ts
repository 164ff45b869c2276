import { homedir } from 'node:os'

/** What container runtimes give a user that has no home. */
const NO_HOME = '/'

/**
 * Gives the process a home directory if it has none: a uid without a passwd entry and without HOME, as OpenShift and
 * `runAsUser` make them. The AWS SDK looks for `~/.aws` before each of its settings, and fails where the system cannot
 * say what `~` is. The SDK reads HOME from the process only.
 */
export function ensureHome(env: Record<string, string | undefined>): void {
  // The order of the SDK.
  if (env['HOME'] || env['USERPROFILE'] || env['HOMEPATH']) return
  try {
    homedir()
  } catch {
    env['HOME'] = NO_HOME
  }
}
