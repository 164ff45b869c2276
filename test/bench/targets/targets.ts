// What is measured, and how it is started.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { goCollector, goVersion } from './go-collector.ts'

export interface Target {
  readonly about: string
  readonly ours: boolean
  /** Keys of the exporter's `sending_queue`. */
  readonly sendingQueue: object
  /** Processors of the pipeline. */
  readonly processors: Readonly<Record<string, object>>
  /** Processes, where they are not one. */
  readonly workers?: number
  /** Program and arguments, the config's path to follow, after building what has to be built. */
  readonly prepare: () => Promise<readonly string[]>
}

const ROOT = join(import.meta.dirname, '..', '..', '..')

const OURS = { ours: true, sendingQueue: {}, processors: {} }
const GO = {
  ours: false,
  sendingQueue: {},
  processors: {},
  prepare: async () => [await goCollector(), '--config'],
}
const TUNED = { num_consumers: 10 }

const DIST = {
  ...OURS,
  prepare: async () => {
    await promisify(execFile)('npm', ['run', 'build'], { cwd: ROOT })
    return [process.execPath, join(ROOT, 'dist', 'main.js'), '--config']
  },
}

export const TARGETS: Readonly<Record<string, Target>> = {
  dist: { ...DIST, about: 'this project as it is shipped, dist/main.js' },
  workers: { ...DIST, about: 'the same with service.workers: 2', workers: 2 },
  source: {
    ...OURS,
    about: 'this project from its source, src/main.ts',
    prepare: async () => [process.execPath, join(ROOT, 'src', 'main.ts'), '--config'],
  },
  go: { ...GO, about: 'the Go collector as it is shipped' },
  'go-tuned': { ...GO, about: 'the Go collector with num_consumers: 10', sendingQueue: TUNED },
  'go-batch': {
    ...GO,
    about: 'go-tuned with its batch processor',
    sendingQueue: TUNED,
    processors: { batch: {} },
  },
}

export interface Prepared {
  readonly name: string
  readonly target: Target
  readonly command: readonly string[]
}

/** Builds what has to be built. A target that needs Go is left out, and named, where there is none. */
export async function prepare(names: readonly string[]): Promise<Prepared[]> {
  const go = await goVersion()
  const prepared: Prepared[] = []
  for (const name of names) {
    const target = TARGETS[name]
    if (target === undefined) throw new Error(`no target ${name}`)
    if (!target.ours && go === undefined) process.stderr.write(`${name}: skipped, Go is not installed\n`)
    else prepared.push({ name, target, command: await target.prepare() })
  }
  return prepared
}
