import { expect, test } from 'vitest'
import { configSchema } from '../../../../../src/exporters/awscloudwatchlogs/config.ts'
import { resolve } from '../../../../../src/exporters/awscloudwatchlogs/settings/resolve.ts'

const REQUIRED = { log_group_name: 'g', log_stream_name: 's' }

const config = configSchema.parse({
  ...REQUIRED,
  max_puts_per_second: 500,
  max_new_destinations: 1_000,
  sending_queue: { num_consumers: 3, queue_size: 1_001 },
  dead_letters: { max_size: '256MiB' },
})

function limitsOf(share: number) {
  const { lanes, destinations, queueBound, deadLettersBytes } = resolve(config, share, {})
  return [
    lanes.maxPutsPerSecond,
    lanes.maxConcurrentPuts,
    destinations.maxNewAnHour,
    queueBound?.most,
    deadLettersBytes / 1_048_576,
  ]
}

test('one of four processes has a quarter of the limits of the daemon', () => {
  expect(limitsOf(1 / 4)).toEqual([125, 1, 250, 250, 64])
})

test('a single process has all of them', () => expect(limitsOf(1)).toEqual([500, 3, 1_000, 1_001, 256]))

test.each([
  ['without storage', {}, ['reject', 'reject']],
  ['with storage', { sending_queue: { storage: 'file_storage' } }, ['park', 'dead_letter']],
  [
    'unless they are written',
    { sending_queue: { storage: 'file_storage' }, on_lane_full: 'refuse', late_events: { policy: 'clamp' } },
    ['refuse', 'clamp'],
  ],
])('the defaults for stuck lanes and late events depend on the storage: %s', (_, more, expected) => {
  const { onLaneFull, events } = resolve(configSchema.parse({ ...REQUIRED, ...more }), 1, {})
  expect([onLaneFull, events.lateEvents]).toEqual(expected)
})

test.each([
  [{}, 'queued'],
  [{ wait_for_result: true }, 'settled'],
  [{ enabled: false }, 'settled'],
])('sending_queue %j answers senders when their records are %s', (sending_queue, answerOn) => {
  expect(resolve(configSchema.parse({ ...REQUIRED, sending_queue }), 1, {}).answerOn).toBe(answerOn)
})

test('an empty option is left to the environment, and a host becomes a URL', () => {
  const { client } = resolve(configSchema.parse({ ...REQUIRED, endpoint: 'logs.example.com' }), 1, {})
  expect(client).toEqual({
    region: undefined,
    endpoint: 'https://logs.example.com',
    dualstack: undefined,
    fips: undefined,
    requestTimeoutMs: 30_000,
    verifiesCertificate: true,
    proxyAddress: undefined,
    certificateFile: undefined,
    profile: undefined,
    roleArn: undefined,
    externalId: undefined,
    credentials: undefined,
  })
})
