import { describe, expect, test } from 'vitest'
import { configSchema } from '../../../../src/exporters/awscloudwatchlogs/config.ts'

const NAMES = { log_group_name: '/app/{service.name}', log_stream_name: 's' }

/** What is said about a config; empty for a good one. */
function problems(config: object): string[] {
  const { error } = configSchema.safeParse({ ...NAMES, ...config })
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

describe('the places for what has no other', () => {
  test.each<[object, string]>([
    [
      { overflow_log_group_name: 'a b' },
      'overflow_log_group_name: "a b" has " ": a log group name holds letters, digits and . - _ / #',
    ],
    [{ overflow_log_group_name: '{x}' }, 'overflow_log_group_name: has a placeholder: write one fixed name'],
    [
      { overflow_log_stream_name: 'a:b' },
      'overflow_log_stream_name: "a:b" has ":": a log stream name holds no : and no *',
    ],
    [
      { overflow_log_stream_name: '' },
      'overflow_log_stream_name: is empty: write a name, such as /my-service or {service.name}',
    ],
    [
      { late_events: { log_group_name: 'aws/x' } },
      'late_events.log_group_name: "aws/x" starts with aws/, which AWS keeps for itself: write /aws/… or another prefix',
    ],
    [
      { late_events: { log_stream_name: '{x}' } },
      'late_events.log_stream_name: has a placeholder: write one fixed name',
    ],
  ])('%j is told of', (config, problem) => expect(problems(config)).toEqual([problem]))

  test.each<[object, string]>([
    [{ on_lane_full: 'park' }, 'on_lane_full: park keeps records on disk: write sending_queue.storage, or reject'],
    [
      { on_lane_full: 'dead_letter' },
      'on_lane_full: dead_letter keeps records on disk: write sending_queue.storage, or reject',
    ],
    [
      { late_events: { policy: 'dead_letter' } },
      'late_events.policy: dead_letter keeps records on disk: write sending_queue.storage, or reject',
    ],
  ])('%j needs a storage', (config, problem) => {
    expect(problems(config)).toEqual([problem])
    expect(problems({ ...config, sending_queue: { storage: 'file_storage' } })).toEqual([])
  })

  test('may be left out, or named', () => {
    expect(problems({})).toEqual([])
    expect(problems({ overflow_log_group_name: '', overflow_log_stream_name: 'rest' })).toEqual([])
    expect(
      problems({ overflow_log_group_name: '/rest', late_events: { log_group_name: '', log_stream_name: 'x' } }),
    ).toEqual([])
  })
})
