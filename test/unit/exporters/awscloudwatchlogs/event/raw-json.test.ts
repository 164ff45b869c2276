import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isJson, namedDestination } from '../../../../../src/exporters/awscloudwatchlogs/event/raw-json.ts'

const names = (line: string) => namedDestination(Buffer.from(line))

/** What the streaming reader has to agree with. */
function byParsing(line: string): ReturnType<typeof namedDestination> {
  let body: Record<string, unknown>
  try {
    body = JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const aws = (typeof body['_aws'] === 'object' ? body['_aws'] : {}) as Record<string, unknown> | null
  const group = text(aws?.['LogGroupName'])
  if (group !== undefined) return { group, stream: text(aws?.['LogStreamName']) }
  const plain = text(body['log_group_name'])
  return plain === undefined ? undefined : { group: plain, stream: text(body['log_stream_name']) }
}

const key = fc.constantFrom('"_aws"', '"\\u005faws"', '"log_group_name"', '"log_stream_name"', '"LogGroupName"', '"x"')
const scalar = fc.constantFrom('"/a"', '"\\u002fb"', '""', '7', 'null', '[]', '"LogGroupName"', 'tru')
const object = (value: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(key, value), { maxLength: 4 })
    .map((members) => `{${members.map(([name, inner]) => `${name} : ${inner}`).join(' ,')}}`)
const line = fc.oneof(object(fc.oneof(scalar, object(scalar))), fc.json(), fc.string())

test('finds the names JSON.parse finds, and none where it fails', () => {
  fc.assert(
    fc.property(
      line.filter((text) => text.startsWith('{')),
      (text) => {
        expect(names(text)).toEqual(byParsing(text))
      },
    ),
    { numRuns: 3_000 },
  )
})

test('accepts as JSON what JSON.parse accepts', () => {
  fc.assert(
    fc.property(line, (text) => {
      let parsed = true
      try {
        JSON.parse(text)
      } catch {
        parsed = false
      }
      expect(isJson(Buffer.from(text))).toBe(parsed)
    }),
    { numRuns: 3_000 },
  )
})

describe('a name as long as a request', () => {
  test.each([
    ['plain', 'a'.repeat(1_000_000)],
    ['of escapes', '\\ud83d\\ude00'.repeat(100_000)],
  ])('%s: its first part, which is longer than a log group name may be', (_, name) => {
    const group = names(`{"log_group_name":"${name}"}`)?.group ?? ''
    expect([...new Intl.Segmenter().segment(group)].length).toBeGreaterThan(512)
    expect(group.length).toBeLessThan(10_000)
  })
})
