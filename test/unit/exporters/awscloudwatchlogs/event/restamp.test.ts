import { expect, test } from 'vitest'
import type { ItemBatch } from '../../../../../src/delivery/contract/items.ts'
import { itemCounted, itemEnd, itemStart, itemTime } from '../../../../../src/delivery/contract/items.ts'
import { restamp } from '../../../../../src/exporters/awscloudwatchlogs/event/restamp.ts'
import { itemBatch } from '../../../../fakes/items.ts'

const THEN = 1_700_000_000_000
const NOW = 1_800_000_000_000

function event(message: string) {
  const text = `${JSON.stringify({ timestamp: THEN, message })},`
  return { text, time: THEN, counted: Buffer.byteLength(message) + 26 }
}

function read(items: ItemBatch) {
  return Array.from({ length: items.count }, (_, item) => {
    const text = Buffer.from(items.bytes.subarray(itemStart(items, item), itemEnd(items, item))).toString()
    expect(text.endsWith(',')).toBe(true)
    const { timestamp, message } = JSON.parse(text.slice(0, -1)) as { timestamp: number; message: string }
    expect(timestamp).toBe(itemTime(items, item))
    expect(itemCounted(items, item)).toBe(Buffer.byteLength(message) + 26)
    return { timestamp, message }
  })
}

test.each([
  ['an object', '{"body":"say \\"hi\\" é"}', `{"original_timestamp":${THEN},"body":"say \\"hi\\" é"}`],
  ['an empty object', '{}', `{"original_timestamp":${THEN}}`],
  ['text', 'plain "text"', 'plain "text"'],
  ['text that begins like an object', '{oops', `{"original_timestamp":${THEN},oops`],
  [
    'an event that keeps its time already',
    '{"original_timestamp":1,"body":"x"}',
    '{"original_timestamp":1,"body":"x"}',
  ],
])('a message that is %s is stored under the new time', (_, message, stored) => {
  expect(read(restamp(itemBatch([event(message)]), NOW))).toEqual([{ timestamp: NOW, message: stored }])
})

test('a message at CloudWatch’s size limit has no room for its own time', () => {
  const message = `{"body":"${'x'.repeat(1_048_550 - 11)}"}`
  expect(read(restamp(itemBatch([event(message)]), NOW))).toEqual([{ timestamp: NOW, message }])
})

test('the events of a batch stay apart and in order', () => {
  const messages = ['{"a":1}', 'b', '{"c":"ü"}']
  expect(read(restamp(itemBatch(messages.map(event)), NOW)).map(({ message }) => message)).toEqual([
    `{"original_timestamp":${THEN},"a":1}`,
    'b',
    `{"original_timestamp":${THEN},"c":"ü"}`,
  ])
})
