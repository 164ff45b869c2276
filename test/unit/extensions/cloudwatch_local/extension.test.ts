import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ByteBudget } from '../../../../src/component/byte-budget.ts'
import { ALONE } from '../../../../src/component/siblings.ts'
import type { Host } from '../../../../src/component/component.ts'
import { cloudwatchLocalConfigSchema } from '../../../../src/extensions/cloudwatch_local/config.ts'
import { CloudWatchLocalExtension } from '../../../../src/extensions/cloudwatch_local/extension.ts'
import { cloudwatchLocalExtension } from '../../../../src/extensions/cloudwatch_local/index.ts'
import type { Emit, MetricsRegistry } from '../../../../src/telemetry/metrics.ts'
import { callCloudWatch, refusalOf } from '../../../fakes/call-cloudwatch.ts'
import { lineText, listeningLogger } from '../../../fakes/logger.ts'

const host: Host = { extension: () => undefined, fatal: () => {} }

let lines: string[]
let samples: () => Record<string, number>
const started: CloudWatchLocalExtension[] = []
beforeEach(() => {
  lines = []
  samples = () => ({})
})
afterEach(async () => {
  for (const extension of started.splice(0)) await extension.shutdown(new AbortController().signal)
})

const logger = listeningLogger((line) => lines.push(lineText(line)))
const metrics: MetricsRegistry = {
  register(_definitions, collect) {
    samples = () => {
      const read: Record<string, number> = {}
      const emit: Emit = ({ name }, _labels, value) => {
        read[name] = value
      }
      collect(emit)
      return read
    }
    return () => {
      samples = () => ({})
    }
  },
}

function create(yaml: object): CloudWatchLocalExtension {
  const extension = new CloudWatchLocalExtension({
    id: { type: 'cloudwatch_local', name: '' },
    config: cloudwatchLocalConfigSchema.parse({ endpoint: '127.0.0.1:0', ...yaml }),
    logger,
    metrics,
    budget: new ByteBudget(1),
    build: { name: 'test', version: '0' },
    siblings: ALONE,
  })
  started.push(extension)
  return extension
}

async function fill(url: string, messages: readonly string[], timestamp = Date.now()): Promise<void> {
  await callCloudWatch(url, 'CreateLogGroup', { logGroupName: '/g' })
  await callCloudWatch(url, 'CreateLogStream', { logGroupName: '/g', logStreamName: 's' })
  for (const message of messages) {
    const logEvents = [{ timestamp, message }]
    const answer = await callCloudWatch(url, 'PutLogEvents', { logGroupName: '/g', logStreamName: 's', logEvents })
    expect(refusalOf(answer)).toBe('ok')
  }
}

test('it logs where it listens and how to read from it', async () => {
  const extension = create({ region: 'eu-west-1' })
  await extension.start(host)
  expect(extension.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(lines).toEqual([
    `info a local CloudWatch Logs listens on ${extension.url} and accepts any credentials; read a group with: AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws logs tail GROUP --follow --region eu-west-1 --endpoint-url ${extension.url}`,
  ])
})

test('the first events to arrive are shown, and no more than asked for', async () => {
  const extension = create({ show_first_events: 2 })
  await extension.start(host)
  const time = new Date()
  await fill(extension.url, ['{"body":"hello"}', 'x'.repeat(1_000), 'third'], time.getTime())
  const clock = time.toISOString().slice(11, 23)
  expect(lines.slice(1)).toEqual([
    `info 1 of the first 2: ${clock} /g s {"body":"hello"}`,
    `info 2 of the first 2: ${clock} /g s ${'x'.repeat(400)}…`,
  ])
})

test('it logs that the oldest events are dropped, once for many', async () => {
  const extension = create({ max_bytes: '2MiB' })
  await extension.start(host)
  await fill(
    extension.url,
    Array.from({ length: 6 }, () => 'x'.repeat(600_000)),
  )
  expect(lines.slice(1)).toEqual([
    'warn max_bytes is reached: the oldest events are dropped {"events":1,"max_bytes":2097152}',
  ])
  expect(samples()).toEqual({
    otlp_cloudwatch_local_stored_events: 6,
    otlp_cloudwatch_local_evicted_events: 3,
    otlp_cloudwatch_local_bytes: 3 * 600_026,
  })
})

test('a directory brings back what was stored', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cloudwatch-local-'))
  try {
    const first = create({ directory })
    await first.start(host)
    await fill(first.url, ['kept'])
    await first.shutdown(new AbortController().signal)
    const second = create({ directory })
    await second.start(host)
    const { body } = await callCloudWatch(second.url, 'FilterLogEvents', { logGroupName: '/g' })
    expect(body.events).toMatchObject([{ message: 'kept' }])
    await second.shutdown(new AbortController().signal)
  } finally {
    await rm(directory, { recursive: true })
  }
})

test.each([
  ['[::1]:0', /^http:\/\/\[::1\]:\d+$/],
  [':0', /^http:\/\/localhost:\d+$/],
])('listening on %s it names an address that a client can use', async (endpoint, url) => {
  const extension = create({ endpoint })
  await extension.start(host)
  expect(extension.url).toMatch(url)
  expect(refusalOf(await callCloudWatch(extension.url, 'DescribeLogGroups', {}))).toBe('ok')
})

test('a port that is taken fails the start with the endpoint and the reason', async () => {
  const first = create({})
  await first.start(host)
  const endpoint = new URL(first.url).host
  await expect(create({ endpoint }).start(host)).rejects.toMatchObject({
    name: 'ComponentError',
    message: expect.stringMatching(`^cannot serve CloudWatch Logs on http://${endpoint}: listen EADDRINUSE`),
    cause: expect.any(Error),
  })
})

test('shutdown is safe unstarted and twice, and frees the port', async () => {
  const extension = create({})
  const { signal } = new AbortController()
  await extension.shutdown(signal)
  await extension.start(host)
  const { url } = extension
  await extension.shutdown(signal)
  await extension.shutdown(signal)
  await expect(callCloudWatch(url, 'DescribeLogGroups', {})).rejects.toThrow('fetch failed')
  expect(samples()).toEqual({})
})

describe('config', () => {
  test('has these defaults', () => {
    expect(cloudwatchLocalExtension.config.parse({})).toEqual({
      endpoint: { kind: 'tcp', host: 'localhost', port: 4588, family: 0 },
      max_bytes: 64 * 1024 * 1024,
      region: 'us-east-1',
      account_id: '000000000000',
      show_first_events: 0,
    })
  })

  test.each<[object, string]>([
    [
      { endpoint: '4588' },
      '"4588" is not an address: write host and port, such as localhost:4317, 0.0.0.0:4317 or [::1]:4317',
    ],
    [{ directory: '' }, 'is empty: write a path, or remove the key to keep everything in memory'],
    [{ max_bytes: '1MiB' }, 'is less than 2MiB, the size of two puts: write 64MiB, for example'],
    [{ account_id: '12' }, 'must have 12 digits, in quotes: write "000000000000"'],
    [{ faults: {} }, 'Unrecognized key: "faults"'],
  ])('%o is refused', (config, message) => {
    const parsed = cloudwatchLocalConfigSchema.safeParse(config)
    expect(parsed.error?.issues.map((issue) => issue.message)).toEqual([message])
  })
})
