// The image that build.sh made, run by podman as the chart runs it, in a cgroup of 512 MiB: test/image/outage.sh.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chown, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, onTestFinished, test, vi } from 'vitest'
import { outage } from '../integration/outage/outage-run.ts'
import { type Container, POD_MIB } from '../integration/outage/outage-setup.ts'

const run = promisify(execFile)
const IMAGE = process.env['OUTAGE_IMAGE']
const WORK = join(import.meta.dirname, '..', '.tools', 'image')
/** The user of the image and of the chart. */
const USER = 65_532
const flags = (values: Readonly<Record<string, string | readonly string[]>>) =>
  Object.entries(values).flatMap(([name, value]) => [value].flat().flatMap((each) => [`--${name}`, each]))

// runc and cgroupfs work with version 1 and version 2 of cgroups, and without systemd.
const PODMAN = flags({
  root: join(WORK, 'store'),
  runroot: join(WORK, 'run'),
  'storage-driver': 'overlay',
  runtime: 'runc',
  'cgroup-manager': 'cgroupfs',
})
/** As the chart's DaemonSet. */
const POD = flags({
  pull: 'never',
  network: 'host',
  memory: `${POD_MIB}m`,
  'memory-swap': `${POD_MIB}m`,
  // podman's own are more than a root without CAP_SYS_RESOURCE may give.
  ulimit: ['nofile=16384:16384', 'nproc=32768:32768'],
  'cap-drop': 'ALL',
  'security-opt': 'no-new-privileges',
  user: `${USER}:${USER}`,
  env: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_EC2_METADATA_DISABLED'],
})
const print = (line: string) => void process.stderr.write(`${line}\n`)
const TIMEOUT = { timeout: 900_000 }

async function podman(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('podman', [...PODMAN, ...args])
  return stdout.trim()
}

/** One container with the limits and the rights of the chart's DaemonSet. */
class Pod implements Container {
  readonly #name = `outage-${randomUUID()}`

  async options(directory: string) {
    await chown(directory, USER, USER)
    onTestFinished(() => podman('rm', '--force', '--ignore', '--time', '0', this.#name).then(() => {}))
    const command = (args: readonly string[]) => {
      const config = args[args.indexOf('--config') + 1] ?? ''
      const volumes = ['--volume', `${config}:${config}:ro`, '--volume', `${directory}:${directory}`]
      return ['podman', ...PODMAN, 'run', '--read-only', '--name', this.#name, ...POD, ...volumes, IMAGE ?? '', ...args]
    }
    return { command }
  }

  async pid(): Promise<number> {
    return Number(await podman('inspect', '--format', '{{.State.Pid}}', this.#name))
  }

  /** What the kernel says of the cgroup; a limit that does not hold would make the whole test worthless. */
  async figures(): Promise<object> {
    const groups = await readFile(`/proc/${await this.pid()}/cgroup`, 'latin1')
    const first = /^\d+:memory:(.*)$/m.exec(groups)?.[1]
    const second = /^0::(.*)$/m.exec(groups)?.[1] ?? ''
    const [folder, limit, peak] =
      first === undefined
        ? [join('/sys/fs/cgroup', second), 'memory.max', 'memory.peak']
        : [join('/sys/fs/cgroup/memory', first), 'memory.limit_in_bytes', 'memory.max_usage_in_bytes']
    const mebibytes = async (file: string) => Number(await readFile(join(folder, file), 'latin1')) / 1_048_576
    const limitMib = await mebibytes(limit)
    if (limitMib !== POD_MIB) throw new Error(`the cgroup ${folder} has ${limitMib} MiB, not ${POD_MIB}`)
    return { cgroupPeakMib: Math.round(await mebibytes(peak)) }
  }
}

describe.skipIf(IMAGE === undefined)('the image in a cgroup of 512 MiB while CloudWatch is down', () => {
  vi.setConfig({ hookTimeout: 60_000 })

  test('memory, 1 stream', TIMEOUT, async () => {
    await outage('image, memory, 1 stream', { container: new Pod(), streams: 1, refusedMs: 5_000 }, print)
  })

  test('memory, 900 streams', TIMEOUT, async () => {
    await outage('image, memory, 900 streams', { container: new Pod(), streams: 900, refusedMs: 5_000 }, print)
  })

  test('memory, 10,000 streams', TIMEOUT, async () => {
    await outage('image, memory, 10,000 streams', { container: new Pod(), streams: 10_000, refusedMs: 5_000 }, print)
  })

  test('disk, 900 streams', TIMEOUT, async () => {
    await outage(
      'image, disk, 900 streams',
      { container: new Pod(), streams: 900, diskMib: 64, refusedMs: 5_000 },
      print,
    )
  })
})
