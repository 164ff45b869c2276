// The OpenAPI document of http_json against the daemon: schemathesis generates requests from it, valid and invalid ones, and
// checks that valid ones are accepted, others refused, and each response is as documented.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { pythonServices } from '../../integration/clients/python-services.ts'
import { onDisk, run } from '../../integration/http-json/setup.ts'

const execute = promisify(execFile)
const python = await pythonServices()
const TIMEOUT_MS = 240_000

/** @returns the report and the exit code */
async function fuzz(port: number, env: Readonly<Record<string, string>>, args: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-schemathesis-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const command = ['run', `http://127.0.0.1:${port}/openapi.json`, '--max-examples', '100', ...args]
  const options = { cwd: folder, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
  try {
    const { stdout } = await execute(python.tool('schemathesis'), command, options)
    return { code: 0, report: stdout }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string }
    return { code, report: `${stdout}\n${stderr}` }
  }
}

describe.skipIf(python.missing !== undefined)(`schemathesis ${python.missing ?? ''}`, { timeout: TIMEOUT_MS }, () => {
  test.each([
    ['without keys', {}],
    ['with a key in each request', { SCHEMATHESIS_HOOKS: 'schemathesis-hooks', PYTHONPATH: import.meta.dirname }],
  ])('finds no difference between the OpenAPI document and the daemon, %s', async (_, env) => {
    const { local, daemon } = await run(
      await onDisk({ exporter: { allowed_log_groups: ['*'], max_new_destinations: 10_000 } }),
    )
    const { code, report } = await fuzz(daemon.httpPort, env, [])
    expect(code, report).toBe(0)
    expect(report).toContain('No issues found')
    expect(await daemon.stop()).toBe(0)
    expect(local.events().length).toBeGreaterThan(20)
  })

  test('finds none with authentication', async () => {
    const { daemon } = await run({
      extensions: { bearertokenauth: { token: 'secret' } },
      receiver: { auth: { authenticator: 'bearertokenauth' } },
    })
    const { code, report } = await fuzz(daemon.httpPort, {}, ['-H', 'Authorization: Bearer secret'])
    expect(code, report).toBe(0)
  })
})
