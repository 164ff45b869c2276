import { expect, test } from 'vitest'
import { configSchema } from '../../../../../src/exporters/awscloudwatchlogs/config.ts'
import { shareOf } from '../../../../../src/exporters/awscloudwatchlogs/settings/share-of.ts'

const config = configSchema.parse({
  log_group_name: 'g',
  log_stream_name: 's',
  max_puts_per_second: 500,
  max_new_destinations: 1_000,
  sending_queue: { num_consumers: 3, queue_size: 1_001 },
  dead_letters: { max_size: '256MiB' },
})

test('one of four processes has a quarter of what the config gives to all', () => {
  expect(shareOf(config, 1 / 4)).toEqual({
    ...config,
    max_puts_per_second: 125,
    max_new_destinations: 250,
    sending_queue: { ...config.sending_queue, num_consumers: 1, queue_size: 250 },
    dead_letters: { max_size: 64 * 1_048_576 },
  })
})

test('one that is alone has it all', () => expect(shareOf(config, 1)).toEqual(config))
