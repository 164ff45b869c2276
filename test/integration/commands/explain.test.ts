import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { logsRequest } from '../../fakes/logs-request.ts'
import { CLEAN_ENVIRONMENT, configFile, endWithTest, startDaemon } from '../daemon/daemon.ts'

const WITHIN = { timeout: 30_000, interval: 50 }

/** Explains what stdin gets, in a process of its own. */
async function explain(file: string, input: Uint8Array) {
  const child = spawn(process.execPath, ['src/main.ts', 'explain', '--config', file, '--json'], {
    env: CLEAN_ENVIRONMENT,
    stdio: 'pipe',
  })
  endWithTest(child)
  child.stdin.end(input)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return {
    err,
    lines: out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

test('CloudWatch gets from a daemon exactly what explain says, by group, stream, time, message and bytes', async () => {
  const cloudwatch = await startCloudWatchLocal()
  try {
    const file = await configFile({
      receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:0' } } } },
      processors: { batch: {} },
      exporters: {
        awscloudwatchlogs: {
          log_group_name: '/explained/{service.name}',
          log_stream_name: '{pod}',
          allowed_log_groups: ['/explained/a*', '/explained/*f*'],
          max_event_bytes: 300,
          late_events: { policy: 'divert' },
          region: 'us-east-1',
          endpoint: cloudwatch.url,
        },
      },
      service: {
        pipelines: { logs: { receivers: ['otlp'], processors: ['batch'], exporters: ['awscloudwatchlogs'] } },
      },
    })
    const time = BigInt(Date.now()) * 1_000_000n
    const record = (fields: object) => ({ time, ...fields })
    const request = logsRequest(
      {
        resource: { 'service.name': 'a' },
        scopes: [
          {
            name: 'lib',
            records: [
              record({ body: 'plain ü "quoted"\n', attributes: { pod: 'p1' } }),
              record({ body: 'x'.repeat(2_000), attributes: { pod: 'p2' } }),
              record({ body: { kvlist: { deep: [1n, { kvlist: { y: true } }] } } }),
              { body: 'late', time: 1n, attributes: { pod: 'p1' } },
            ],
          },
        ],
      },
      { resource: { 'service.name': 'other:b*' }, scopes: [{ records: [record({ body: 'elsewhere' })] }] },
    )
    const { lines, err } = await explain(file, Buffer.from(request))
    expect(err).toBe('read as protobuf; --format json|record|protobuf|text reads it as something else\n')
    expect(lines).toHaveLength(5)

    const daemon = await startDaemon(file)
    const answer = await fetch(`http://127.0.0.1:${daemon.httpPort}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(request),
    })
    expect(answer.status).toBe(200)
    await vi.waitUntil(() => cloudwatch.events().length === 5, WITHIN)
    const explained = lines
      .map(({ group, stream, message }) => ({ group, stream, message }))
      .map((event) => JSON.stringify(event))
    const stored = [...cloudwatch.store.groups.values()].flatMap((group) =>
      [...group.streams.keys()].flatMap((stream) =>
        cloudwatch.events(group.name, stream).map(({ message }) => ({ group: group.name, stream, message })),
      ),
    )
    expect(stored.map((event) => JSON.stringify(event)).toSorted(byText)).toEqual(explained.toSorted(byText))
    const puts = cloudwatch.calls.all.filter(
      ({ operation, outcome }) => operation === 'PutLogEvents' && outcome === 'ok',
    )
    const bytes = puts.reduce((sum, call) => sum + call.bytes, 0)
    expect(bytes).toBe(lines.reduce((sum, line) => sum + Number(line['bytes']), 0))
    expect(await daemon.stop()).toBe(0)
  } finally {
    await cloudwatch.close()
  }
})

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}
