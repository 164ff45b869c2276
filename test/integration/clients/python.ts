// Python clients at pinned versions, in a virtual environment of the tests' own: test/.tools/python, ignored by git.
// The first call on a machine installs them, which takes about half a minute; later ones find them.
//
//   const python = await pythonTools()
//   describe.skipIf(python.missing !== undefined)(`boto3 ${python.missing ?? ''}`, () => {
//     const { stdout } = await python.run(['-c', 'import boto3; ...', 'argument'], { SOME: 'variable' })
//     python.tool('moto_server')   // the path of an installed command
//
// Without a Python that can make environments, `missing` says why and the tests that need it are skipped under that
// name; with CI=true it is an error.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Tried together on Python 3.11; boto3 and awscli agree on botocore only in pairs. */
const PACKAGES = [
  'boto3==1.44.5',
  'fapilog==0.18.0',
  'botocore==1.44.5',
  'awscli==1.46.2',
  'moto[server]==5.2.5',
  'opentelemetry-sdk==1.45.2',
  'opentelemetry-exporter-otlp-proto-grpc==1.45.2',
  'opentelemetry-exporter-otlp-proto-http==1.45.2',
]
const TOOLS = join(import.meta.dirname, '..', '..', '.tools')

/** A virtual environment: its folder, and the packages in it. */
interface Environment {
  readonly folder: string
  readonly packages: readonly string[]
}
const lockOf = ({ folder }: Environment) => `${folder}.lock`
/** Written last: an environment without it, or for other packages, is recreated. */
const markerOf = ({ folder }: Environment) => join(folder, 'installed.txt')
const hashOf = ({ packages }: Environment) => createHash('sha256').update(packages.join('\n')).digest('hex')

const INSTALL_TIMEOUT_MS = 300_000
const LOCK_POLL_MS = 200
/** A lock still unsigned after this long belongs to a process that died between its two steps. */
const UNSIGNED_LOCK_MS = 10_000

const execute = promisify(execFile)

export interface PythonTools {
  /** Why there is no Python; undefined if there is one. */
  readonly missing: string | undefined
  /** The path of an installed command, such as `aws` or `moto_server`. */
  tool(name: string): string
  /** Runs the environment's Python. Rejects if it exits with anything but 0. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<{ stdout: string; stderr: string }>
}

/**
 * Finds the environment, or installs it. Safe from several processes at once: one installs, the others wait.
 * @param name of another environment, for `packages` that the usual ones do not agree with
 */
export async function pythonTools(name = 'python', packages: readonly string[] = PACKAGES): Promise<PythonTools> {
  const environment = { folder: join(TOOLS, name), packages }
  let missing: string | undefined
  if (!(await isInstalled(environment))) {
    missing = await whyNoPython()
    if (missing !== undefined && process.env.CI === 'true') throw new Error(missing)
    if (missing === undefined) await underLock(environment, () => install(environment))
  }
  const tool = (command: string) => join(environment.folder, 'bin', command)
  return {
    missing: missing === undefined ? undefined : `(skipped: ${missing})`,
    tool,
    run: (args, env = {}) =>
      execute(tool('python'), [...args], { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }),
  }
}

async function isInstalled(environment: Environment): Promise<boolean> {
  const marker = await readFile(markerOf(environment), 'utf8').catch(() => '') // not there: not installed
  return marker === hashOf(environment)
}

async function whyNoPython(): Promise<string | undefined> {
  try {
    await execute('python3', ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'])
    return undefined
  } catch {
    return 'python3, version 3.10 or newer and with venv, is not installed'
  }
}

async function install(environment: Environment): Promise<void> {
  const { folder, packages } = environment
  await rm(folder, { recursive: true, force: true })
  await execute('python3', ['-m', 'venv', folder], { timeout: INSTALL_TIMEOUT_MS })
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
  await execute(join(folder, 'bin', 'python'), pip, { timeout: INSTALL_TIMEOUT_MS })
  await writeFile(markerOf(environment), hashOf(environment))
}

/** Making a directory succeeds for one process only. The lock of a process that died is taken away. */
async function underLock(environment: Environment, work: () => Promise<void>): Promise<void> {
  const lock = lockOf(environment)
  await mkdir(join(lock, '..'), { recursive: true })
  const deadline = performance.now() + 2 * INSTALL_TIMEOUT_MS
  while (!(await taken(lock))) {
    if (performance.now() > deadline) throw new Error(`another process holds ${lock} for too long: remove it`)
    if (await isAbandoned(lock)) await rm(lock, { recursive: true, force: true })
    else await wait(LOCK_POLL_MS)
  }
  try {
    if (!(await isInstalled(environment))) await work()
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

async function taken(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  await writeFile(join(lock, 'pid'), String(process.pid))
  return true
}

async function isAbandoned(lock: string): Promise<boolean> {
  const pid = Number(await readFile(join(lock, 'pid'), 'utf8').catch(() => Number.NaN))
  if (!Number.isNaN(pid) && pid > 0) return !isAlive(pid)
  const made = await stat(lock).catch(() => undefined) // given back in the meantime: not abandoned
  return made !== undefined && Date.now() - made.mtimeMs > UNSIGNED_LOCK_MS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
