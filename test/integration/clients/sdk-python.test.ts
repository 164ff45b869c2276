// The Python SDK sends, the daemon writes, boto3 and the AWS CLI read: into the local CloudWatch, and into moto.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callWithBoto3 } from './boto3.ts'
import { startCloudWatchLocal } from '../../fakes/cloudwatch.ts'
import { startMoto } from './moto.ts'
import { cloudwatchConfig } from '../daemon/daemon-config.ts'
import { CLEAN_ENVIRONMENT, startDaemon } from '../daemon/daemon.ts'
import { pythonTools } from './python.ts'
import { parseMessage, type StoredEvent } from './sdk-events.ts'

const execute = promisify(execFile)
const SCRIPT = join(import.meta.dirname, 'sdk-python-send.py')
const EXPORTERS = ['grpc', 'grpc-gzip', 'http', 'http-gzip']

const python = await pythonTools()

const endpoints = {
  cloudwatch_local: startCloudWatchLocal,
  moto: () => startMoto(python.tool('moto_server')),
}

describe.skipIf(python.missing !== undefined).each(Object.entries(endpoints).map(([name, start]) => ({ name, start })))(
  `Python SDK to $name ${python.missing ?? ''}`,
  ({ start }) => {
    const baseMs = Date.now()
    let url = ''
    let close = async () => {}

    beforeAll(async () => {
      const endpoint = await start()
      url = endpoint.url
      close = () => endpoint.close()
    }, 120_000)
    afterAll(() => close())

    test('each record is stored once by each exporter, equal as JSON', async () => {
      const daemon = await startDaemon(cloudwatchConfig(url))
      await python.run([SCRIPT, String(daemon.grpcPort), String(daemon.httpPort), String(baseMs)], CLEAN_ENVIRONMENT)
      expect(await daemon.stop()).toBe(0)
      for (const exporter of EXPORTERS) {
        const name = `/test/${exporter}`
        const byBoto3 = await readWithBoto3(name)
        expect(byBoto3.map(({ timestamp, message }) => ({ timestamp, event: parseMessage(message) }))).toEqual(
          expectedEvents(exporter, baseMs),
        )
        expect(await readWithCli(name)).toEqual(byBoto3)
      }
    }, 120_000)

    /** In the order of time. */
    async function readWithBoto3(logGroupName: string): Promise<StoredEvent[]> {
      const [result] = await callWithBoto3(python, url, [['paginate filter_log_events', { logGroupName }]])
      if (result === undefined || 'error' in result) throw new Error(JSON.stringify(result))
      const pages = result.answer['pages'] as readonly { readonly events: readonly StoredEvent[] }[]
      return pages.flatMap(({ events }) => events).map(({ timestamp, message }) => ({ timestamp, message }))
    }

    async function readWithCli(group: string): Promise<StoredEvent[]> {
      const args = ['logs', 'get-log-events', '--log-group-name', group, '--log-stream-name', 's', '--start-from-head']
      const options = ['--endpoint-url', url, '--region', 'us-east-1', '--output', 'json']
      const { stdout } = await execute(python.tool('aws'), [...args, ...options], { env: CLEAN_ENVIRONMENT })
      const { events } = JSON.parse(stdout) as { readonly events: readonly StoredEvent[] }
      return events.map(({ timestamp, message }) => ({ timestamp, message }))
    }
  },
)

/** What `sdk-python-send.py` sends, as the events of one exporter in the order of time. */
function expectedEvents(exporter: string, baseMs: number): unknown[] {
  const resource = { 'service.name': exporter, replicas: 3, zones: ['a', 'b'], canary: true }
  const scope = { name: 'shop', version: '1.2.3', attributes: { team: 'payments' } }
  const events = [
    { body: 'every kind of attribute', severity_number: 9, severity_text: 'INFO', attributes: EVERY_KIND },
    { body: { order: 17, items: [{ sku: 'a-1', count: 2 }], note: null } },
    { body: ['a', 1, { b: 2 }] },
    { body: 'YmluYXJ5' },
    { body: 42 },
    { body: false },
    { body: '' },
    { attributes: { only: 'attributes' } },
    { body: 'with a span', flags: 1, trace_id: '0102030405060708090a0b0c0d0e0f10', span_id: '0102030405060708' },
    { body: 'an event', severity_number: 20, event_name: 'session.start' },
  ].map((event, index) => ({ timestamp: baseMs + index, event: { ...event, scope, resource } }))
  const logged = {
    body: 'paid order 17',
    severity_number: 13,
    severity_text: 'WARN',
    attributes: {
      'order.id': 17,
      'code.file.path': SCRIPT,
      'code.function.name': '<module>',
      'code.line.number': expect.any(Number),
    },
    scope: { name: `app.${exporter}` },
    resource,
  }
  return [...events, { timestamp: expect.any(Number), event: logged }]
}

const EVERY_KIND = {
  text: 'Grüße "quoted" \\ <b>&\u2028 😀 tab\t line\n',
  'empty text': '',
  true: true,
  false: false,
  int: 17,
  'largest int': 9223372036854775807n,
  'smallest int': -9223372036854775808n,
  float: 0.1,
  'whole float': 3,
  'tiny float': 5e-324,
  nan: 'NaN',
  infinity: '-Infinity',
  bytes: 'AP/+',
  texts: ['a', 'b'],
  ints: [1, 2, 9007199254740993n],
  'empty list': [],
  mixed: ['a', 1, true, 2.5],
  map: { key: { deeper: [1, { deepest: 'x' }] } },
}
