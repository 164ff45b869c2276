import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * @returns why there is no Redis, for the name of a skipped test
 * @throws Error instead with CI=true
 */
export async function whyNoRedis(): Promise<string | undefined> {
  try {
    await execute('redis-server', ['--version'])
    return undefined
  } catch (cause) {
    const message = 'redis-server is not installed'
    if (process.env.CI === 'true') throw new Error(message, { cause })
    return `(skipped: ${message})`
  }
}
