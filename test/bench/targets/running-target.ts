import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Protocol, Queue, Row } from '../rows.ts'
import { TARGET_ENVIRONMENT, targetConfig } from './target-config.ts'
import type { Prepared } from './targets.ts'

const READY_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 60_000
/** Characters of its log that are kept, to be shown when something went wrong. */
const LOG_END = 2_000

export class RunningTarget {
  readonly #child: ChildProcess
  readonly #ports: Readonly<Record<'grpc' | 'http', number>>
  /** ms from its start until it could be connected to. */
  readyMs = 0
  /** The end of what it wrote. */
  log = ''

  private constructor(child: ChildProcess, ports: Readonly<Record<'grpc' | 'http', number>>) {
    this.#child = child
    this.#ports = ports
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.log = (this.log + text).slice(-LOG_END)
      })
  }

  /** @param folder for its config and its queue */
  static async start(
    { target, command: [program = '', ...args] }: Prepared,
    row: Pick<Row, 'rawLog'>,
    queue: Queue,
    sinkPort: number,
    folder: string,
  ): Promise<RunningTarget> {
    const ports = { grpc: await freePort(), http: await freePort() }
    const config = join(folder, 'config.yaml')
    const addresses = { grpcPort: ports.grpc, httpPort: ports.http, sinkPort }
    await writeFile(config, JSON.stringify(targetConfig(target, row, queue, addresses, join(folder, 'queue'))))
    const started = performance.now()
    const child = spawn(program, [...args, config], { env: TARGET_ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] })
    const kill = () => void child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('exit', () => process.off('exit', kill))
    const running = new RunningTarget(child, ports)
    try {
      await running.#untilReady(started)
    } catch (error) {
      await running.stop()
      throw error
    }
    return running
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  port(protocol: Protocol): number {
    return protocol === 'grpc' ? this.#ports.grpc : this.#ports.http
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    this.#child.kill('SIGTERM')
    await ended
    clearTimeout(timer)
  }

  async #untilReady(started: number): Promise<void> {
    while (!((await accepts(this.#ports.grpc)) && (await accepts(this.#ports.http)))) {
      if (this.#child.exitCode !== null) throw new Error(`it ended with ${this.#child.exitCode}:\n${this.log}`)
      if (performance.now() - started > READY_TIMEOUT_MS) throw new Error(`it does not listen:\n${this.log}`)
      await sleep(5)
    }
    this.readyMs = performance.now() - started
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** A free port below those that the system gives to connections by itself. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    server.close()
    if (free) return port
  }
}
