import { homedir } from 'node:os'

/** Container runtimes use this for a user without a home. */
const NO_HOME = '/'

/**
 * Gives the process a home directory if it has none: a uid without a passwd entry and without HOME, as OpenShift and
 * `runAsUser` create them. The AWS SDK looks for `~/.aws` before each of its settings, and fails if the system cannot resolve
 * `~`. The SDK reads HOME only from the process.
 */
export function ensureHome(env: Record<string, string | undefined>): void {
  // In the SDK's order.
  if (env['HOME'] || env['USERPROFILE'] || env['HOMEPATH']) return
  try {
    homedir()
  } catch {
    env['HOME'] = NO_HOME
  }
}
