// The package as an application gets it: packed, installed beside an older OpenTelemetry, run on the Nodes it promises.
import { execFile } from 'node:child_process'
import { access, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..')
const INSTALL_TIMEOUT_MS = 300_000

/** The oldest Node the library works on (`engines`); its npm package holds the binary. */
const OLDEST_NODE = '22.15.0'

export interface InstalledApp {
  readonly folder: string
  remove(): Promise<void>
}

/**
 * Copies an application of test/testdata, installs what its lock file says, and the packed library beside it.
 * `npm pack` builds `dist` in the checkout.
 */
export async function installApp(name: string): Promise<InstalledApp> {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-app-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await cp(join(ROOT, 'test', 'testdata', name), folder, { recursive: true })
    const { stdout } = await npm(ROOT, 'pack', '--silent', '--pack-destination', folder)
    await npm(folder, 'ci', '--no-audit', '--no-fund')
    await npm(
      folder,
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      join(folder, stdout.trim().split('\n').at(-1) ?? ''),
    )
  } catch (error) {
    await remove()
    throw error
  }
  return { folder, remove }
}

/** The path of the oldest Node, installed once; undefined where its package is not to be had. */
export async function oldestNode(): Promise<string | undefined> {
  const name = `node-${process.platform}-${process.arch}`
  const tools = join(ROOT, 'test', '.tools')
  const folder = join(tools, `node-${OLDEST_NODE}`)
  const node = join(folder, 'node_modules', name, 'bin', 'node')
  if (await exists(node)) return node
  await mkdir(tools, { recursive: true })
  const fresh = await mkdtemp(join(tools, 'installing-'))
  try {
    await npm(
      fresh,
      'install',
      '--prefix',
      fresh,
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      `${name}@${OLDEST_NODE}`,
    )
    // In one step: a half installed one is never found.
    await rename(fresh, folder)
  } catch {
    await rm(fresh, { recursive: true, force: true })
  }
  return (await exists(node)) ? node : undefined
}

function npm(folder: string, ...args: readonly string[]): Promise<{ stdout: string }> {
  return execute('npm', args, { cwd: folder, timeout: INSTALL_TIMEOUT_MS })
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
