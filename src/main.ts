#!/usr/bin/env node
import cluster from 'node:cluster'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import process from 'node:process'

// Install the signal handlers before importing any other module: until then SIGHUP ends the process, and SIGUSR1 opens
// Node's debugger on a port.

type Fields = Readonly<Record<string, unknown>>

/** The daemon uses features of this version; the library supports older ones. */
const MIN_NODE = 24
/** Time for the event loop to empty by itself before the process is killed. */
const EXIT_GRACE_MS = 500

if (Number(process.versions.node.split('.', 1)[0]) < MIN_NODE) {
  writeSync(
    2,
    `otlp-cloudwatch needs Node ${MIN_NODE} or later, this is ${process.version}: install it, or start with npm\n`,
  )
  process.exit(2)
}

const stopRequested = Promise.withResolvers<void>()
let stopping = false

// SIGQUIT is the other key of a terminal, and what nginx and s6 send to drain.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
  process.on(signal, () => {
    // A worker receives a terminal's Ctrl-C, or systemd's SIGTERM to the whole group, and then its parent's SIGTERM: both ask
    // for the same shutdown. To end a worker without draining, its parent kills it.
    if (stopping && cluster.isPrimary) {
      writeLine('error', `second ${signal}: exiting without draining`, {})
      endNow()
    }
    stopping = true
    stopRequested.resolve()
  })
}

/** Signals that do nothing, and what to do instead. */
const IGNORED = {
  SIGHUP: 'the config is not reloaded: restart the daemon to apply changes',
  // With a handler, Node does not start its inspector.
  SIGUSR1: 'the debugger stays closed',
  SIGUSR2: 'the daemon does not use this signal',
} as const
/** Undefined until its module is loaded. */
let format: ((time: Date, level: 'warn' | 'error', message: string, fields: Fields) => string) | undefined
let warn = (message: string, fields: Fields) => writeLine('warn', message, fields)

for (const [signal, reason] of Object.entries(IGNORED)) {
  process.on(signal, () => warn(`${signal} is ignored: ${reason}`, { pid: process.pid }))
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    writeLine('error', 'internal error: please report this bug', {
      error,
      stack: error instanceof Error ? error.stack : undefined,
    })
    process.exit(1)
  })
}

// `otlp-cloudwatch schema | head` closes the pipe early; that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

// A closed stderr is not a failure either: delivering records matters more than logging.
process.stderr.on('error', () => {})

const [{ formatConsoleLine }, { cli }, { trimVariables }] = await Promise.all([
  import('./telemetry/console-line.ts'),
  import('./cli/cli.ts'),
  import('./aws/environment/variables.ts'),
])
format = formatConsoleLine
trimVariables(process.env)

process.exitCode = await cli(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  outDrained: async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  },
  err: (text) => void process.stderr.write(text),
  components: async () => (await import('./components.ts')).components,
  daemon: async () => (await import('./process/create.ts')).createProcess,
  filesRead: async () =>
    cluster.isWorker ? (await import('./process/parent-link.ts')).filesOfParent() : new Map<string, string>(),
  // NO_COLOR counts if it is not empty: https://no-color.org
  colors: process.stdout.isTTY && !process.env['NO_COLOR'],
  terminal: process.stdout.isTTY,
  isWorker: cluster.isWorker,
  launchedBy: [process.argv0, process.argv[1] ?? ''],
  stopRequested: stopRequested.promise,
  logTo: (logger) => {
    warn = logger
  },
})

// The channel to the parent keeps a worker alive, even one that never used it (because its config could not be read, say).
if (cluster.worker?.isConnected() === true) cluster.worker.disconnect()

// A shutdown abandons work that does not end in time.
setTimeout(endWhatIsLeft, EXIT_GRACE_MS).unref()

/** The AWS SDK never closes its connection to an agent that provides credentials and does not answer. */
function endWhatIsLeft(): void {
  endWithoutDisk()
  // Results that a slow reader has not taken yet.
  if (process.stdout.writableLength > 0) process.stdout.once('drain', endWhatIsLeft)
  else process.exit()
}

/** Exits with 1 once no disk call is pending; kills the process if a disk call does not return in time. */
function endNow(): void {
  // Workers without a parent end by process.exit(), which would hold ports and directories while their disk stalls.
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
  const end = () => {
    if (!waitsForDisk()) process.exit(1)
  }
  end()
  setInterval(end, 1)
  setTimeout(endWithoutDisk, EXIT_GRACE_MS)
}

/** A disk call that never returns would keep the process alive forever, even with process.exit(), which waits for its thread. */
function endWithoutDisk(): void {
  if (!waitsForDisk()) return
  writeLine('error', 'a disk call does not return: exiting without it', {})
  process.kill(process.pid, 'SIGKILL')
}

function waitsForDisk(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
}

/** Writes one log line synchronously: asynchronous writes may be lost at exit. */
function writeLine(level: 'warn' | 'error', message: string, fields: Fields): void {
  try {
    writeSync(2, format?.(new Date(), level, message, fields) ?? `${message}\n`)
  } catch {
    // The terminal is gone or the pipe is full: there is no other place to log to.
  }
}
