import { describe, expect, test } from 'vitest'
import { configSchema } from '../../../../src/exporters/awscloudwatchlogs/config.ts'

const NAMES = { log_group_name: '/app/{service.name}', log_stream_name: 's' }

/** What is said about a config; empty for a good one. */
function problems(config: object): string[] {
  const { error } = configSchema.safeParse({ ...NAMES, ...config })
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
}

describe('the overflow and late groups', () => {
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
      'late_events.log_group_name: "aws/x" starts with aws/, which AWS reserves: write /aws/… or another prefix',
    ],
    [
      { late_events: { log_stream_name: '{x}' } },
      'late_events.log_stream_name: has a placeholder: write one fixed name',
    ],
  ])('%j is reported', (config, problem) => expect(problems(config)).toEqual([problem]))

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
  ])('%j needs a storage extension', (config, problem) => {
    expect(problems(config)).toEqual([problem])
    expect(problems({ ...config, sending_queue: { storage: 'file_storage' } })).toEqual([])
  })

  test('metadata may choose any group only within allowed_log_groups', () => {
    const config = { log_group_name: '{metadata.x-tenant}' }
    expect(problems(config)).toEqual([
      'log_group_name: lets the headers of a client choose any group: write allowed_log_groups with the groups they may choose, or a prefix before the first placeholder',
    ])
    expect(problems({ ...config, allowed_log_groups: ['/t/*'] })).toEqual([])
    expect(problems({ log_group_name: '/t/{metadata.x-tenant}' })).toEqual([])
  })

  test('may be left out, or named', () => {
    expect(problems({})).toEqual([])
    expect(problems({ overflow_log_group_name: '', overflow_log_stream_name: 'rest' })).toEqual([])
    expect(
      problems({ overflow_log_group_name: '/rest', late_events: { log_group_name: '', log_stream_name: 'x' } }),
    ).toEqual([])
  })
})

describe('strings on one line', () => {
  const KEYS = { access_key_id: ' AKID\n', secret_access_key: 's\r\n', session_token: 't\n' }

  test('lose the white space around them, which a Kubernetes Secret often has', () => {
    const config = configSchema.parse({
      log_group_name: '/app\n',
      log_stream_name: ' s ',
      region: 'eu-west-1\n',
      role_arn: ' arn:aws:iam::123456789012:role/logs\n',
      external_id: 'x\n',
      endpoint: 'https://logs.example\n',
      profile: 'p\n',
      proxy_address: 'http://proxy:3128\n',
      certificate_file_path: '/ca.pem\n',
      credentials: KEYS,
    })
    expect(config).toMatchObject({
      log_group_name: '/app',
      log_stream_name: 's',
      region: 'eu-west-1',
      role_arn: 'arn:aws:iam::123456789012:role/logs',
      external_id: 'x',
      endpoint: 'https://logs.example',
      profile: 'p',
      proxy_address: 'http://proxy:3128',
      certificate_file_path: '/ca.pem',
      credentials: { access_key_id: 'AKID', secret_access_key: 's', session_token: 't' },
    })
  })

  test.each([
    ['region', { region: 'c4n4\nry' }],
    ['role_arn', { role_arn: 'c4n4\nry' }],
    ['endpoint', { endpoint: 'https://c4n4\nry' }],
    ['profile', { profile: 'c4n4\nry' }],
    ['proxy_address', { proxy_address: 'http://c4n4\nry' }],
    ['credentials.access_key_id', { credentials: { ...KEYS, access_key_id: 'c4n4\nry' } }],
    ['credentials.secret_access_key', { credentials: { ...KEYS, secret_access_key: 'c4n4\nry' } }],
    ['credentials.session_token', { credentials: { ...KEYS, session_token: 'c4n4\u0000ry' } }],
  ])('%s with a line break inside is named, and not printed', (path, config) => {
    const found = problems(config)
    expect(found[0]).toMatch(`${path}: has a line break or another control character in it: write the value alone`)
    expect(found.join()).not.toContain('c4n4')
  })

  test.each([
    ['ftp://host', 'endpoint: "ftp://host" is not the URL of an HTTP server: write https://host or http://host:port'],
    ['https://user:c4n4ry@host', 'endpoint: contains a user or password: write https://host'],
    ['https://user:c4n#4ry@host', 'endpoint: contains a user or password'],
  ])('the endpoint %s is refused', (endpoint, problem) => {
    expect(problems({ endpoint })[0]).toContain(problem)
    expect(problems({ endpoint }).join()).not.toMatch(/c4n/)
  })

  test.each(['~/ca.pem', '$HOME/ca.pem'])('the path %s is not expanded', (path) => {
    expect(problems({ certificate_file_path: path })).toEqual([
      `certificate_file_path: ${JSON.stringify(path)} is not expanded here: write the whole path, or \${env:HOME} for the home directory`,
    ])
  })
})
