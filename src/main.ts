#!/usr/bin/env node
import cluster from 'node:cluster'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import process from 'node:process'

// Nothing of this program is imported above the handlers: until they are there a SIGHUP ends the process, and a SIGUSR1
// opens Node's debugger on a port.

type Fields = Readonly<Record<string, unknown>>

/** The library runs on older ones; the daemon uses what came with this. */
const MIN_NODE = 24
/** What ends by itself has ended by then. */
const LEFT_BEHIND_MS = 500

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
    // A worker hears a terminal's Ctrl-C, or systemd's SIGTERM to the whole group, and then its parent's: both ask the same.
    // One that is to end without draining is killed by its parent, and ends with it.
    if (stopping && cluster.isPrimary) {
      say('error', `${signal} a second time: ending without draining`, {})
      endNow()
    }
    stopping = true
    stopRequested.resolve()
  })
}

/** Signals that do nothing, and what to do instead. */
const IGNORED = {
  SIGHUP: 'the config is not read again: restart the daemon to apply changes',
  // With a handler, Node does not start its inspector.
  SIGUSR1: 'the debugger stays closed',
  SIGUSR2: 'it has no meaning here',
} as const
/** Undefined while it is loaded. */
let format: ((time: Date, level: 'warn' | 'error', message: string, fields: Fields) => string) | undefined
let warn = (message: string, fields: Fields) => say('warn', message, fields)

for (const [signal, reason] of Object.entries(IGNORED)) {
  process.on(signal, () => warn(`${signal} is ignored: ${reason}`, { pid: process.pid }))
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    say('error', 'a defect of this program, please report it', {
      error,
      stack: error instanceof Error ? error.stack : undefined,
    })
    process.exit(1)
  })
}

// `otlp-cloudwatch schema | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

// Nor is a log that nobody reads any more: the records matter more than what is said of them.
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
  colors: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  stopRequested: stopRequested.promise,
  logTo: (logger) => {
    warn = logger
  },
})

// Its channel to the parent keeps a worker alive, also one that had no use for it: its config cannot be read any more, say.
if (cluster.worker?.isConnected() === true) cluster.worker.disconnect()

// A shutdown leaves behind what does not end in its time.
setTimeout(endWithoutDisk, LEFT_BEHIND_MS).unref()

/** Ends with 1 as soon as no call to a disk is under way, and if one is that is not answered, without it. */
function endNow(): void {
  // Without their parent they would end by process.exit(), and keep ports and directories where their disk stalls.
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
  const end = () => {
    if (!waitsForDisk()) process.exit(1)
  }
  end()
  setInterval(end, 1)
  setTimeout(endWithoutDisk, LEFT_BEHIND_MS)
}

/** A call to a disk that does not answer would hold the process for ever; process.exit() too, which waits for its thread. */
function endWithoutDisk(): void {
  if (!waitsForDisk()) return
  say('error', 'a call to the disk is not answered: ending without it', {})
  process.kill(process.pid, 'SIGKILL')
}

function waitsForDisk(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
}

/** One line, synchronously: nothing asynchronous can be relied on at the end. */
function say(level: 'warn' | 'error', message: string, fields: Fields): void {
  try {
    writeSync(2, format?.(new Date(), level, message, fields) ?? `${message}\n`)
  } catch {
    // A terminal that is gone, or a pipe that is full: there is no other place to write it to.
  }
}
