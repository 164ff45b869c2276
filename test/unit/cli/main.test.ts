import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

// The process itself: signals and exit codes, with the components as they are shipped.

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
const CONFIG = `yaml:
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
exporters: { nop: }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [nop] } }
`

const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')))

function start(...args: readonly string[]) {
  return startNode([MAIN, ...args])
}

function startNode(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' })
  children.push(child)
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (output.out += String(chunk)))
  child.stderr.on('data', (chunk) => (output.err += String(chunk)))
  const ended = once(child, 'close').then(([code]) => code as number)
  const says = (text: string | RegExp) => expect.poll(() => output.err, { timeout: 20_000 }).toMatch(text)
  return { child, output, ended, says }
}

test('a command ends by itself with its exit code', async () => {
  const version = start('--version')
  expect(await version.ended).toBe(0)
  expect(version.output.out).toMatch(/^otlp-cloudwatch /)
  const bad = start('validate', '--config', '/none.yaml')
  expect(await bad.ended).toBe(2)
  expect(bad.output).toEqual({
    out: '',
    err: '--config /none.yaml: the file /none.yaml cannot be read: there is no such file\n',
  })
})

test.for(['SIGTERM', 'SIGINT'] as const)('%s drains and ends with 0', async (signal) => {
  const daemon = start('--config', CONFIG)
  await daemon.says('listening')
  daemon.child.kill(signal)
  expect(await daemon.ended).toBe(0)
  expect(daemon.output.err).toContain('stopped')
})

test('a second signal ends a daemon that is still draining, with 1', async () => {
  const unreachable = `yaml:
exporters:
  awscloudwatchlogs:
    log_group_name: /app
    log_stream_name: main
    region: us-east-1
    endpoint: http://127.0.0.1:1
    credentials: { access_key_id: a, secret_access_key: b }
service: { pipelines: { logs: { exporters: [awscloudwatchlogs] } } }
`
  const daemon = start('--config', CONFIG, '--config', unreachable)
  await daemon.says(/listening.*http=/)
  const address = /http=(\S+)/.exec(daemon.output.err)?.[1]
  const log = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'stuck' } }] }] }] }
  const { status } = await fetch(`http://${address}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(log),
  })
  expect(status).toBe(200)
  daemon.child.kill('SIGTERM')
  // Intake is closed first: then it is draining.
  await expect
    .poll(
      () =>
        fetch(`http://${address}/`).then(
          () => 'open',
          () => 'closed',
        ),
      { timeout: 20_000 },
    )
    .toBe('closed')
  daemon.child.kill('SIGTERM')
  expect(await daemon.ended).toBe(1)
  expect(daemon.output.err).toMatch(/error second SIGTERM: exiting without draining\n$/)
})

test.for(['throw new Error("boom")', 'Promise.reject(new Error("boom"))'])(
  '%s ends it with a line and 1',
  async (defect) => {
    const whenHandled = `setInterval(() => { if (process.listenerCount("unhandledRejection") > 0) ${defect} }, 10)`
    const daemon = startNode(['--import', `data:text/javascript,${whenHandled}`, MAIN, '--config', CONFIG])
    expect(await daemon.ended).toBe(1)
    expect(daemon.output.err).toMatch(/ error internal error: please report this bug error="boom" stack="Error: boom/)
  },
)

test('a terminal shows the banner, in color without NO_COLOR, and a pipe does not', async () => {
  const isTerminal = ['--import', 'data:text/javascript,process.stdout.isTTY=true', MAIN, '--config', CONFIG]
  const inColor = startNode(isTerminal)
  await expect.poll(() => inColor.output.out, { timeout: 20_000 }).toContain('\u001b[1motlp-cloudwatch ')
  const plain = startNode(isTerminal, { NO_COLOR: '1' })
  await expect.poll(() => plain.output.out, { timeout: 20_000 }).toContain('OTLP/HTTP to a port')
  expect(plain.output.out).not.toContain('\u001b')
  const piped = start('--config', CONFIG)
  await piped.says('listening')
  piped.child.kill('SIGTERM')
  await piped.ended
  expect(piped.output.out).toBe('')
})
