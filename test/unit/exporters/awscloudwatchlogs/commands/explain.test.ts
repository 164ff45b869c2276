import { describe, expect, test } from 'vitest'
import { logsRequest } from '../../../../fakes/logs-request.ts'
import { cliWith, fileWith } from './real-cli.ts'

const EKS = { log_group_name: '/eks/{namespace}', log_stream_name: '{pod}', region: 'us-east-1' }
const DAY_NS = 86_400_000_000_000n
const nowNs = () => BigInt(Date.now()) * 1_000_000n

/** Explains a file with one exporter, as objects. */
async function explained(exporter: object, content: string | Uint8Array, args: readonly string[] = []) {
  const file = await fileWith(content)
  const { code, out, err } = await cliWith({ awscloudwatchlogs: exporter }, ['explain', file, '--json', ...args])
  const lines = out.split('\n').filter((line) => line !== '')
  return { code, err, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

const record = (fields: object) => JSON.stringify({ body: { stringValue: 'hi' }, ...fields })
const attributes = (pairs: Readonly<Record<string, string>>) =>
  Object.entries(pairs).map(([key, stringValue]) => ({ key, value: { stringValue } }))
const request = (...logRecords: readonly object[]) =>
  JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: attributes({ namespace: 'shop' }) },
        scopeLogs: [{ scope: { name: 'lib' }, logRecords }],
      },
    ],
  })

test('people see each stage, the destination, the message, its size and its cost', async () => {
  const file = await fileWith('hello\n')
  const { code, out } = await cliWith(
    { awscloudwatchlogs: EKS, debug: {} },
    ['explain', file, '--resource', 'namespace=shop', '--attribute', 'pod=p1'],
    { processors: { batch: {} } },
  )
  expect(code).toBe(0)
  expect(out).toContain('pipeline logs: otlp -> batch -> awscloudwatchlogs, debug\n  batch: changes no record; ')
  expect(out).toContain('debug: gets every record')
  expect(out).toMatch(/^ {2}group {5}\/eks\/shop\n {2}stream {4}p1$/m)
  const message = '{"body":"hello","attributes":{"pod":"p1"},"resource":{"namespace":"shop"}}'
  const bytes = message.length + 26
  expect(out).toContain(`message   ${message}\n`)
  expect(out).toContain(`bytes     ${bytes}, as CloudWatch counts them`)
  expect(out).toContain(
    `cost      $${((bytes * 1e6) / 2 ** 30 / 2).toFixed(3)} per million such events ($0.5 per GB ingested: Standard class, us-east-1, June 2026)`,
  )
  expect(out).toContain('Infrequent Access class costs $0.25 instead of $0.5 per GB (us-east-1, June 2026)')
})

describe('the same record in every format', () => {
  const bytes = logsRequest({
    resource: { namespace: 'shop' },
    scopes: [{ name: 'lib', records: [{ body: 'hi', attributes: { pod: 'p1' } }] }],
  })
  const json = request({ body: { stringValue: 'hi' }, attributes: attributes({ pod: 'p1' }) })
  test.each<[string, string | Uint8Array, readonly string[], number]>([
    ['a request in protobuf', bytes, [], 1],
    ['a request in JSON', json, [], 1],
    ['a request in JSON over several lines', JSON.stringify(JSON.parse(json), undefined, 2), [], 1],
    ['requests in JSON, one a line', `${json}\n${json}\n`, [], 2],
    ['a record in JSON', record({ attributes: attributes({ pod: 'p1' }) }), ['--resource', 'namespace=shop'], 1],
    [
      'records in JSON, one a line',
      `${record({ attributes: attributes({ pod: 'p1' }) })}\r\n\n${record({ attributes: attributes({ pod: 'p1' }) })}`,
      ['--resource', 'namespace=shop'],
      2,
    ],
    ['text', 'hi\n\nhi', ['--resource', 'namespace=shop', '--attribute', 'pod=p1'], 2],
  ])('%s', async (_, content, args, count) => {
    const { code, lines } = await explained({ ...EKS, raw_log: true }, content, args)
    expect(code).toBe(0)
    expect(lines).toHaveLength(count)
    for (const line of lines)
      expect(line).toMatchObject({
        outcome: 'event',
        group: '/eks/shop',
        stream: 'p1',
        message: 'hi',
        bytes: 28,
        notes: [],
      })
  })
})

test('a JSON line of an application is text', async () => {
  const { lines, err } = await explained({ ...EKS, raw_log: true }, '{"level":"info","msg":"x"}')
  expect(lines).toMatchObject([{ outcome: 'event', message: '{"level":"info","msg":"x"}' }])
  expect(err).toContain('read as text')
})

describe('it says why', () => {
  const old = { timeUnixNano: String(nowNs() - 15n * DAY_NS) }
  test.each<[string, object, string, object]>([
    [
      'a record is too old',
      EKS,
      record(old),
      {
        outcome: 'rejected',
        reason: expect.stringMatching(/^too_old: its time .* is more than 14 days ago/) as string,
      },
    ],
    [
      'a record is too far ahead',
      EKS,
      record({ timeUnixNano: String(nowNs() + DAY_NS) }),
      { outcome: 'rejected', reason: expect.stringMatching(/^too_new: /) as string },
    ],
    [
      'a late record is a dead letter',
      { ...EKS, sending_queue: { storage: 'file_storage' } },
      record(old),
      { outcome: 'dead_letter', reason: expect.stringMatching(/^too_old: /) as string, group: '/eks/undefined' },
    ],
    [
      'a late record is clamped',
      { ...EKS, late_events: { policy: 'clamp' } },
      record(old),
      {
        outcome: 'event',
        notes: expect.arrayContaining([expect.stringContaining('late_events.policy clamp')]) as string[],
      },
    ],
    [
      'a late record is diverted',
      { ...EKS, late_events: { policy: 'divert' } },
      record(old),
      { outcome: 'event', group: '/eks/late', stream: 'late' },
    ],
    [
      'a body is empty',
      { ...EKS, raw_log: true },
      record({ body: {} }),
      { outcome: 'rejected', reason: expect.stringMatching(/^empty: /) as string },
    ],
    [
      'an event is too large',
      { ...EKS, max_event_bytes: 256, on_oversize: 'reject' },
      record({ body: { stringValue: 'x'.repeat(300) } }),
      {
        outcome: 'rejected',
        reason: expect.stringMatching(/^too_large: its event has \d+ bytes, over max_event_bytes 256/) as string,
      },
    ],
    [
      'an event is cut',
      { ...EKS, max_event_bytes: 256 },
      record({ body: { stringValue: 'x'.repeat(300) } }),
      {
        outcome: 'event',
        notes: expect.arrayContaining([expect.stringContaining('longer than max_event_bytes')]) as string[],
      },
    ],
    [
      'a group is not allowed',
      { ...EKS, allowed_log_groups: ['/eks/a*'] },
      record({ attributes: attributes({ namespace: 'shop', pod: 'p' }) }),
      {
        outcome: 'event',
        group: '/eks/overflow',
        notes: [
          expect.stringMatching(/^destination_not_allowed: group \/eks\/shop, stream p matches none of \/eks\/a\*/),
        ],
      },
    ],
    [
      'a placeholder has no value',
      EKS,
      record({ attributes: attributes({ namespace: 'shop' }) }),
      { group: '/eks/shop', stream: 'undefined', notes: [expect.stringContaining('a value for {pod},')] },
    ],
  ])('%s', async (_, exporter, content, expected) => {
    const { code, lines } = await explained(exporter, content, ['--format', 'record'])
    expect(code).toBe(0)
    expect(lines).toMatchObject([expected])
  })

  test('the last of too many new destinations goes elsewhere', async () => {
    const { lines } = await explained({ ...EKS, max_new_destinations: 1 }, 'a\nb', ['--resource', 'namespace=x'])
    expect(lines).toMatchObject([{ group: '/eks/x' }, { group: '/eks/x' }])
    const two = request({ attributes: attributes({ pod: 'a' }) }, { attributes: attributes({ pod: 'b' }) })
    const other = await explained({ ...EKS, max_new_destinations: 1 }, two)
    expect(other.lines).toMatchObject([
      { stream: 'a' },
      {
        group: '/eks/overflow',
        notes: [expect.stringMatching(/^destination_cap: group \/eks\/shop, stream b is new, and 1 were new/)],
      },
    ])
  })

  test('a request does not fit the queue', async () => {
    const exporter = { ...EKS, sending_queue: { sizer: 'items', queue_size: 1 } }
    const { code, lines } = await explained(exporter, 'a\nb')
    expect(code).toBe(0)
    expect(lines).toEqual([
      {
        pipeline: 'logs',
        exporter: 'awscloudwatchlogs',
        outcome: 'refused',
        reason: expect.stringMatching(/^too_large: the request alone exceeds the maximum queue size \(1\)/) as string,
      },
    ])
  })
})

test('a price of the command line wins over that of the exporter, and each says where it is from', async () => {
  const { lines } = await explained({ ...EKS, price_per_gb: 0.76 }, 'x')
  expect(lines).toMatchObject([{ usd_per_gb: 0.76, price: 'price_per_gb of the exporter' }])
  const other = await explained({ ...EKS, price_per_gb: 0.76 }, 'x', ['--price', '2'])
  const [{ bytes = 0, usd_per_million: usd } = {}] = other.lines
  expect(usd).toBeCloseTo((Number(bytes) * 1e6 * 2) / 2 ** 30)
  const tokyo = await explained({ ...EKS, region: 'ap-northeast-1' }, 'x')
  expect(tokyo.lines).toMatchObject([
    { price: 'Standard class, us-east-1, June 2026; for ap-northeast-1 write --price' },
  ])
})

test('EMF documents are not advised into Infrequent Access', async () => {
  const emf = JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: [] }, n: 1 })
  const { out } = await cliWith({ awscloudwatchlogs: { ...EKS, raw_log: true } }, ['explain', await fileWith(emf)])
  expect(out).toContain('keep Standard. 1 of these events are EMF documents')
})

test('several exporters each explain the record, or one that is named', async () => {
  const file = await fileWith('x')
  const both = { awscloudwatchlogs: EKS, 'awscloudwatchlogs/b': { ...EKS, log_group_name: 'b' } }
  const { out } = await cliWith(both, ['explain', file, '--json'])
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { group: string }).group),
  ).toEqual(['/eks/undefined', 'b'])
  const one = await cliWith(both, ['explain', file, '--json', '--exporter', 'awscloudwatchlogs/b'])
  expect(JSON.parse(one.out)).toMatchObject({ exporter: 'awscloudwatchlogs/b' })
})

test('only the first records of a long file are explained, and the rest is counted', async () => {
  const { lines, err } = await explained(EKS, 'x\n'.repeat(500), ['--limit', '3'])
  expect(lines).toHaveLength(3)
  expect(err).toContain('3 of 500 records are explained; --limit 500 explains all')
})

test('a message cannot control the terminal, and a long one is shortened', async () => {
  const { out } = await cliWith({ awscloudwatchlogs: { ...EKS, raw_log: true } }, [
    'explain',
    await fileWith(`\u001b[2Jcleared ${'x'.repeat(5_000)}`),
  ])
  expect(out).not.toContain('\u001b')
  expect(out).toContain('more characters: use --json')
})

describe('wrong input', () => {
  test.each<[string, string | Uint8Array, readonly string[], string]>([
    ['an empty file', '', [], 'is empty: write OTLP logs in JSON or protobuf, or lines of text'],
    ['only empty lines', '\n \n', [], 'FILE: has only empty lines'],
    [
      'JSON that is not OTLP',
      '{"resourceLogs": 7}',
      [],
      'FILE: $.resourceLogs: expected a list, not a number: a receiver answers 400',
    ],
    ['a wrong line', `${request({})}\n{"resourceLogs":`, [], 'FILE: line 2: '],
    ['a wrong record', '{"timeUnixNano":"x"}', [], 'FILE: $.timeUnixNano: '],
    ['no records', '{"resourceLogs":[]}', [], 'FILE: has no log record: write at least one'],
    [
      'bytes that are not protobuf',
      Uint8Array.of(0x0a, 0xff),
      ['--format', 'protobuf'],
      'FILE: is not an ExportLogsServiceRequest in protobuf: ',
    ],
    ['a format', 'x', ['--format', 'xml'], '--format: "xml" is not a format: write json, record, protobuf, text'],
    ['a price', 'x', ['--price', '-1'], '--price'],
    ['a limit', 'x', ['--limit', '0'], '--limit: "0" is not a number of records: write one from 1 on, such as 10'],
    [
      'an exporter',
      'x',
      ['--exporter', 'debug'],
      '--exporter: "debug" is no awscloudwatchlogs exporter of a pipeline: write awscloudwatchlogs',
    ],
    [
      'an attribute',
      'x',
      ['--attribute', 'k'],
      '--attribute: "k" is not KEY=VALUE: write one such as service.name=shop',
    ],
    [
      'attributes for a request',
      request({}),
      ['--resource', 'k=v'],
      'the input is json, which has its own attributes: leave them out',
    ],
  ])('%s', async (_, content, args, message) => {
    const { code, err } = await explained(EKS, content, args)
    expect(err).toContain(message)
    expect(code).toBe(2)
  })

  test('a file that is not there', async () => {
    const { code, err } = await cliWith({ awscloudwatchlogs: EKS }, ['explain', '/not/there'])
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/^FILE: "\/not\/there" cannot be read \(ENOENT.*: write the name of a file/),
    ])
  })

  test('a config without the exporter', async () => {
    const { code, err } = await cliWith({ debug: {} }, ['explain', await fileWith('x')])
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('--config: no pipeline has an awscloudwatchlogs exporter: add one'),
    ])
  })
})

test('half a million records in a small file are counted without an object for each', async () => {
  const empty = Buffer.alloc(2 * 400_000)
  for (let at = 0; at < empty.length; at += 2) empty[at] = 0x12
  const length = (value: number) => Buffer.from([(value & 0x7f) | 0x80, ((value >> 7) & 0x7f) | 0x80, value >> 14])
  const scope = Buffer.concat([Buffer.of(0x12), length(empty.length), empty])
  const bytes = Buffer.concat([Buffer.of(0x0a), length(scope.length), scope])
  const { code, lines, err } = await explained({ ...EKS, raw_log: true }, bytes, [
    '--format',
    'protobuf',
    '--limit',
    '1',
  ])
  expect(code).toBe(0)
  expect(lines).toMatchObject([{ outcome: 'rejected', reason: expect.stringMatching(/^empty/) as string }])
  expect(err).toContain('1 of 400000 records are explained')
})

describe('an event over max_event_bytes', () => {
  const exporter = { ...EKS, max_event_bytes: 600 }
  const long = record({
    body: { stringValue: 'x'.repeat(2_000) },
    attributes: attributes({ namespace: 'a', pod: 'p' }),
  })

  test('is shown in parts if it is split', async () => {
    const { lines } = await explained({ ...exporter, on_oversize: 'split' }, long)
    const [{ outcome, parts, bytes }] = lines as [
      { outcome: string; bytes: number; parts: readonly { message: string; bytes: number }[] },
    ]
    expect(outcome).toBe('event')
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.map(({ message }) => (JSON.parse(message) as { body: string }).body).join('')).toBe('x'.repeat(2_000))
    expect(bytes).toBe(parts.reduce((sum, part) => sum + part.bytes, 0))
    expect(parts.map(({ message }) => message.length + 26)).toEqual(parts.map((part) => part.bytes))
    const text = await cliWith({ awscloudwatchlogs: { ...exporter, on_oversize: 'split' } }, [
      'explain',
      await fileWith(long),
    ])
    expect(text.out).toContain(`message   part 1 of ${parts.length}: {`)
  })

  test('is shown as dropped if it is dropped', async () => {
    const { lines, code } = await explained({ ...exporter, on_oversize: 'drop' }, long)
    const reason = 'oversize: its event is over max_event_bytes 600, and on_oversize is drop'
    expect(lines).toMatchObject([{ outcome: 'dropped', reason }])
    expect(code).toBe(0)
  })

  test('is a dead letter if on_oversize says so', async () => {
    const { lines } = await explained(
      { ...exporter, on_oversize: 'dead_letter', sending_queue: { storage: 'file_storage' } },
      long,
    )
    expect(lines).toMatchObject([{ outcome: 'dead_letter', reason: 'too_large: its event is over max_event_bytes' }])
  })
})
