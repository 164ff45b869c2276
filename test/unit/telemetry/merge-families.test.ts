import { expect, test } from 'vitest'
import { mergeFamilies } from '../../../src/telemetry/merge-families.ts'
import { renderFamilies } from '../../../src/telemetry/registry.ts'

const SENT = { name: 'sent', type: 'counter', help: 'Sent.' } as const
const UPTIME = { name: 'uptime', type: 'counter', help: 'Seconds.', merge: 'max' } as const

test('samples of several processes are added where their labels are the same, or the largest is taken', () => {
  const process = (a: number, b: number, seconds: number) => [
    {
      definition: SENT,
      samples: [
        { labels: { to: 'a' }, value: a },
        { labels: { to: 'b' }, value: b },
      ],
    },
    { definition: UPTIME, samples: [{ labels: {}, value: seconds }] },
  ]
  const merged = mergeFamilies([process(1, 2, 30), process(10, 20, 10)])
  expect(
    renderFamilies(merged)
      .split('\n')
      .filter((line) => !line.startsWith('#')),
  ).toEqual(['sent{to="a"} 11', 'sent{to="b"} 22', 'uptime 30', ''])
})
