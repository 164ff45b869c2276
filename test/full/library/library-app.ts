// The package as an application gets it: packed, installed beside an older OpenTelemetry, run on the Nodes it promises.
import { execFile } from 'node:child_process'
import { access, cp, mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const ROOT = join(import.meta.dirname, '..', '..', '..')
const INSTALL_TIMEOUT_MS = 300_000

/** The oldest Node the library works on (`engines`). */
export const OLDEST_NODE = '22.15.0'

/** What `npm pack` needs of the checkout. */
const PACKED = ['src', 'config', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'rolldown.library.config.ts']

export interface InstalledApp {
  readonly folder: string
  remove(): Promise<void>
}

/** Copies an application of test/testdata, installs what its lock file says, and the packed library beside it. */
export async function installApp(name: string): Promise<InstalledApp> {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-app-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await cp(join(ROOT, 'test', 'testdata', name), folder, { recursive: true })
    const archive = await packLibrary(folder)
    await npm(folder, 'ci', '--no-audit', '--no-fund')
    await npm(folder, 'install', '--no-save', '--no-audit', '--no-fund', archive)
  } catch (error) {
    await remove()
    throw error
  }
  return { folder, remove }
}

/** Builds in a copy: files of tests that run at the same time would build over each other in the checkout. */
async function packLibrary(into: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-pack-'))
  try {
    for (const name of PACKED) await cp(join(ROOT, name), join(copy, name), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    const { stdout } = await npm(copy, 'pack', '--silent', '--pack-destination', into)
    return join(into, stdout.trim().split('\n').at(-1) ?? '')
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** The path of a Node, whose npm package holds the binary, installed once; undefined where it is not available. */
export async function nodeOf(version: string): Promise<string | undefined> {
  const name = `node-${process.platform}-${process.arch}`
  const tools = join(ROOT, 'test', '.tools')
  const folder = join(tools, `node-${version}`)
  const node = join(folder, 'node_modules', name, 'bin', 'node')
  if (await exists(node)) return node
  await mkdir(tools, { recursive: true })
  const fresh = await mkdtemp(join(tools, 'installing-'))
  try {
    await npm(fresh, 'install', '--prefix', fresh, '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`)
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
