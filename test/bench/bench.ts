// What the daemon costs: records a second, CPU seconds per million records, memory. Load and sink are processes of their own.

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    records: { type: 'string', default: '512' },
    'in-flight': { type: 'string', default: '8' },
    protocol: { type: 'string', default: 'http,grpc' },
    queue: { type: 'string', default: 'memory,disk' },
    raw: { type: 'boolean', default: false },
  },
})

/** Clock ticks a second of /proc/PID/stat; 100 on every Linux Node runs on. */
const TICKS = 100
const WARM_UP_SECONDS = '3'

process.stdout.write(
  'protocol  queue    records/s   CPU s / million   RSS now (MB)   RSS peak (MB)   events / put   p99 of answers (ms)   refused\n',
)
for (const protocol of values.protocol.split(','))
  for (const queue of values.queue.split(',')) process.stdout.write(`${await row(protocol, queue)}\n`)

async function row(protocol: string, queue: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-bench-'))
  const sink = fork('test/bench/sink.ts')
  const [grpc, http] = await freePorts(2)
  const { port } = await message<{ port: number }>(sink)
  const config = join(folder, 'config.yaml')
  await writeFile(
    config,
    JSON.stringify(daemonConfig(grpc ?? 0, http ?? 0, port, queue === 'disk' ? join(folder, 'queue') : undefined)),
  )
  const daemon = spawn(process.execPath, ['src/main.ts', '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const pid = daemon.pid ?? 0
  const target = String(protocol === 'grpc' ? grpc : http)
  try {
    await untilListening(Number(target))
    const warm = await load(protocol, target, WARM_UP_SECONDS)
    const before = await usage(pid)
    const started = performance.now()
    const { taken, refused, p99Ms } = await load(protocol, target, values.seconds)
    const elapsed = (performance.now() - started) / 1_000
    const stored = await untilStored(sink, warm.taken + taken)
    const after = await usage(pid)
    const cpu = (after.cpuSeconds - before.cpuSeconds) / (taken / 1e6)
    return [
      protocol.padEnd(9),
      queue.padEnd(7),
      Math.round(taken / elapsed)
        .toString()
        .padStart(11),
      cpu.toFixed(2).padStart(17),
      after.rssMb.toFixed(0).padStart(14),
      after.peakMb.toFixed(0).padStart(15),
      Math.round(stored.events / stored.puts)
        .toString()
        .padStart(14),
      p99Ms.toFixed(1).padStart(21),
      String(refused).padStart(9),
    ].join(' ')
  } finally {
    daemon.kill('SIGTERM')
    sink.disconnect()
    await new Promise((resolve) => daemon.once('exit', resolve))
    await rm(folder, { recursive: true, force: true })
  }
}

function daemonConfig(grpc: number, http: number, sinkPort: number, directory: string | undefined): object {
  const storage = directory !== undefined
  return {
    extensions: storage ? { file_storage: { directory, create_directory: true } } : {},
    receivers: {
      otlp: { protocols: { grpc: { endpoint: `127.0.0.1:${grpc}` }, http: { endpoint: `127.0.0.1:${http}` } } },
    },
    exporters: {
      awscloudwatchlogs: {
        log_group_name: '/bench/{service.name}',
        log_stream_name: '{k8s.pod.name}',
        region: 'us-east-1',
        endpoint: `http://127.0.0.1:${sinkPort}`,
        credentials: { access_key_id: 'bench', secret_access_key: 'bench' },
        raw_log: values.raw,
        sending_queue: storage ? { storage: 'file_storage' } : {},
      },
    },
    service: {
      extensions: storage ? ['file_storage'] : [],
      pipelines: { logs: { receivers: ['otlp'], exporters: ['awscloudwatchlogs'] } },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
  }
}

async function load(
  protocol: string,
  port: string,
  seconds: string,
): Promise<{ taken: number; refused: number; p99Ms: number }> {
  return message(fork('test/bench/load.ts', [protocol, port, seconds, values.records, values['in-flight']]))
}

/** Everything acknowledged has to arrive, once. */
async function untilStored(sink: ChildProcess, expected: number): Promise<{ events: number; puts: number }> {
  for (let tries = 0; ; tries++) {
    sink.send('count')
    const counts = await message<{ events: number; puts: number }>(sink)
    if (counts.events === expected) return counts
    if (counts.events > expected || tries > 300)
      throw new Error(`${expected} records acknowledged, ${counts.events} events stored`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function usage(pid: number): Promise<{ cpuSeconds: number; rssMb: number; peakMb: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1])
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS,
    rssMb: kib('VmRSS') / 1024,
    peakMb: kib('VmHWM') / 1024,
  }
}

function message<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (value) => {
      child.off('exit', ended)
      resolve(value as Message)
    })
  })
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const { connect } = await import('node:net')
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`nothing listens on ${port}`)
}
