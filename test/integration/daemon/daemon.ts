// The daemon as its users run it: a process of its own.
//
//   const daemon = await startDaemon({ receivers, exporters, service })    // or the path of a YAML file
//   daemon.grpcPort, daemon.httpPort                                      chosen by the system
//   (await daemon.metrics()).value('otlp_cloudwatch_records', { state: 'queued' })
//   await daemon.stop()                                                   SIGTERM; the exit code
//
// Whatever a test does, its daemons are gone when it ends.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Metrics } from './daemon-metrics.ts'
import { temporaryFolder } from '../../fakes/temporary-folder.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const ENTRY = join(ROOT, 'src', 'main.ts')

/** What a test sets beside what it tests: ports of the system's choice, and a log that it can read. */
const READABLE = [
  'service.telemetry.logs.encoding=json',
  'service.telemetry.logs.level=info',
  'service.telemetry.metrics.readers=[{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]',
]

export interface DaemonOptions {
  /** As `--set`. */
  readonly set?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Arguments of Node itself. */
  readonly nodeArgs?: readonly string[]
  /** Another program than the sources: that of an installed package. */
  readonly entry?: string
  /** A program that runs it, with its arguments: `setpriv`, say. */
  readonly through?: readonly string[]
  /** The whole command for these arguments of the daemon, in place of Node and the sources: that of a container. */
  readonly command?: (args: readonly string[]) => readonly string[]
  /** As `ulimit -n`: no more files and connections are open at once. */
  readonly openFiles?: number
}

/** A line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string }

export interface Ended {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the daemon until its receiver listens.
 * @param config an object, written to a file; or the path of a file, run as it is; or nothing, for variables
 * @throws Error with what it said, if it ends before that
 */
export async function startDaemon(config: object | string | undefined, options: DaemonOptions = {}): Promise<Daemon> {
  const file = typeof config === 'object' ? await configFile(config) : config
  const sets = [...READABLE, ...(options.set ?? [])].map((set) => `--set=${set}`)
  const daemon = new Daemon(spawnDaemon([...(file === undefined ? [] : ['--config', file]), ...sets], options))
  await daemon.listening()
  return daemon
}

/** Runs the program until it ends by itself. */
export async function runToEnd(args: readonly string[], options: DaemonOptions = {}): Promise<Ended> {
  const daemon = new Daemon(spawnDaemon(args, options))
  await daemon.ended
  return { code: daemon.code, stdout: daemon.stdout, stderr: daemon.stderr }
}

/** Writes a config to a file of its own, which goes with the test. JSON is YAML. */
export async function configFile(config: object): Promise<string> {
  const folder = await temporaryFolder()
  const file = join(folder, 'config.yaml')
  await writeFile(file, JSON.stringify(config, undefined, 2))
  return file
}

/** A free port outside the range the system assigns from, for tests that need the number before the port is opened. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000) // Linux chooses from 32,768 on
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, 'localhost', () => resolve(true))
    })
    server.close()
    if (free) return port
  }
}

function spawnDaemon(
  args: readonly string[],
  { env = {}, nodeArgs = [], entry = ENTRY, openFiles, through = [], command: whole }: DaemonOptions,
): ChildProcess {
  const limited = openFiles === undefined ? [] : ['sh', '-c', `ulimit -n ${openFiles} && exec "$0" "$@"`]
  const itself = whole?.(args) ?? [process.execPath, ...nodeArgs, entry, ...args]
  const [command = '', ...rest] = [...limited, ...through, ...itself]
  const child = spawn(command, rest, {
    cwd: ROOT,
    env: { ...CLEAN_ENVIRONMENT, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithTest(child)
  return child
}

/** Whatever a test does, the process is gone when it ends. */
export function endWithTest(child: ChildProcess): void {
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    kill()
    await exited
  })
}

/** V8's code for the sources and the SDK: halves the CPU time of a start, 0.53 s to 0.25 s. */
const COMPILE_CACHE = join(ROOT, 'test', '.tools', 'compile-cache')

/** Nothing of the machine's own AWS settings or proxies. */
export const CLEAN_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  HOME: tmpdir(),
  AWS_ACCESS_KEY_ID: 'AKIDTEST',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PAGER: '',
  NODE_COMPILE_CACHE: COMPILE_CACHE,
}

/** As kubelet's probes and Prometheus' first scrape: a connection that is kept may be closed just as it is used again. */
export const NEW_CONNECTION = { headers: { connection: 'close' } } as const

export class Daemon {
  readonly #child: ChildProcess
  readonly #stopped: Promise<unknown>
  readonly #listeners = new Set<() => void>()
  stdout = ''
  stderr = ''

  constructor(child: ChildProcess) {
    this.#child = child
    this.#stopped = once(child, 'close')
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      for (const listener of this.#listeners) listener()
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when it has ended and everything it said is here. */
  get ended(): Promise<unknown> {
    return this.#stopped
  }

  get code(): number | null {
    return this.#child.exitCode
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Whole lines so far. */
  get log(): LogLine[] {
    return this.stderr
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine)
  }

  get grpcPort(): number {
    return portOf(this.log.find(receiverListens)?.['grpc'])
  }

  get httpPort(): number {
    return portOf(this.log.find(receiverListens)?.['http'])
  }

  get healthUrl(): string {
    return `http://${String(this.#line('listening', 'health_check')?.['http'])}/`
  }

  /** The values of this moment. */
  async metrics(): Promise<Metrics> {
    const response = await fetch(this.#metricsUrl, NEW_CONNECTION)
    return new Metrics(await response.text())
  }

  /** What `/ledger` says at this moment. */
  async ledger(): Promise<unknown> {
    const response = await fetch(new URL('/ledger', this.#metricsUrl), NEW_CONNECTION)
    return response.json()
  }

  /** @throws Error with what it said, if it ends first */
  listening(): Promise<void> {
    return this.says((log) => log.some(receiverListens))
  }

  /** Waits until its log is as asked. */
  says(condition: (log: readonly LogLine[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!condition(this.log)) return
        this.#listeners.delete(look)
        resolve()
      }
      this.#listeners.add(look)
      look()
      void this.#stopped.then(() => reject(new Error(`the daemon ended with ${this.code}:\n${this.stderr}`)))
    })
  }

  /** Pids of its workers as they were when all had started. */
  async workers(): Promise<number[]> {
    await this.says((log) => log.some(({ msg }) => msg === 'workers run'))
    return this.log.find(({ msg }) => msg === 'workers run')?.['pids'] as number[]
  }

  /** Asks it to stop and waits until it has. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    await this.#stopped
    return this.code
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it as a crash or the kernel does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#stopped
  }

  get #metricsUrl(): string {
    return String(this.#line('metrics')?.['url'])
  }

  #line(message: string, component?: string): LogLine | undefined {
    return this.log.find((line) => line.msg === message && line['component'] === component)
  }
}

function receiverListens({ component, msg }: LogLine): boolean {
  return msg === 'listening' && /^(?:otlp|http_json)(?:\/|$)/.test(String(component))
}

function portOf(address: unknown): number {
  const port = Number(/:(\d+)$/.exec(String(address))?.[1])
  if (Number.isNaN(port)) throw new Error(`the receiver does not listen there: ${String(address)}`)
  return port
}
