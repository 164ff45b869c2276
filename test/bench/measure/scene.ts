// Sink, target and load of one measurement: processes of their own, gone when it is over, whatever happened.

import { type ChildProcess, fork } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from './ask.ts'
import type { Protocol, Queue, Row } from '../rows.ts'
import { RunningTarget } from '../targets/running-target.ts'
import type { Prepared } from '../targets/targets.ts'

export interface Scene {
  readonly sink: ChildProcess
  readonly target: RunningTarget
  /** A load that waits for its orders. */
  readonly load: (protocol: Protocol) => Promise<ChildProcess>
}

/** @throws Error with the end of the target's log, for whatever goes wrong */
export async function onScene<Result>(
  prepared: Prepared,
  row: Row,
  queue: Queue,
  act: (scene: Scene) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  const sink = fork(join(import.meta.dirname, 'sink.ts'), [String(row.putLatencyMs)])
  const loads: ChildProcess[] = []
  let target: RunningTarget | undefined
  try {
    const { port } = await ask<{ port: number }>(sink)
    const running = (target = await RunningTarget.start(prepared, row, queue, port, folder))
    return await act({
      sink,
      target: running,
      load: async (protocol) => {
        const args = [protocol, String(running.port(protocol)), JSON.stringify(row.traffic)]
        const load = fork(join(import.meta.dirname, '..', 'load', 'load.ts'), args)
        loads.push(load)
        await ask(load)
        return load
      },
    })
  } catch (error) {
    throw new Error(`${String(error)}\n${target?.log ?? ''}`, { cause: error })
  } finally {
    for (const load of loads) if (load.connected) load.disconnect()
    await target?.stop()
    if (sink.connected) sink.disconnect()
    remove()
    process.off('exit', remove)
  }
}
