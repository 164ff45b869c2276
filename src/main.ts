#!/usr/bin/env node
import cluster from 'node:cluster'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import process from 'node:process'
import { cli } from './cli.ts'
import { formatConsoleLine } from './telemetry/console-line.ts'

/** The library runs on older ones; the daemon uses what came with this. */
const LEAST_NODE = 24
/** What ends by itself has ended by then. */
const LEFT_BEHIND_MS = 500

if (Number(process.versions.node.split('.', 1)[0]) < LEAST_NODE) {
  writeSync(
    2,
    `otlp-cloudwatch needs Node ${LEAST_NODE} or later, this is ${process.version}: install it, or start with npm\n`,
  )
  process.exit(2)
}

const stopRequested = Promise.withResolvers<void>()
let stopping = false

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    // A worker hears a terminal's Ctrl-C, or systemd's SIGTERM to the whole group, and then its parent's: both ask the same.
    // One that is to end without draining is killed by its parent, and ends with it.
    if (stopping && cluster.isPrimary) {
      say(`${signal} a second time: ending without draining`, {})
      endNow()
    }
    stopping = true
    stopRequested.resolve()
  })
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    say('a defect of this program, please report it', {
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

process.exitCode = await cli(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  outDrained: async () => {
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
  },
  err: (text) => void process.stderr.write(text),
  components: async () => (await import('./components.ts')).components,
  daemon: async () => (await import('./service/workers/create.ts')).createProcess,
  filesRead: async () =>
    cluster.isWorker ? (await import('./service/workers/parent.ts')).filesOfParent() : new Map<string, string>(),
  stopRequested: stopRequested.promise,
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
  say('a call to the disk is not answered: ending without it', {})
  process.kill(process.pid, 'SIGKILL')
}

function waitsForDisk(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
}

/** One line, synchronously: nothing asynchronous can be relied on at the end. */
function say(message: string, fields: Readonly<Record<string, unknown>>): void {
  writeSync(2, formatConsoleLine(new Date(), 'error', message, fields))
}
