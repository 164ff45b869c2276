import { expect, test } from 'vitest'
import { longestGaps, onCreations } from './isolation.ts'

/** Rounds of half a second: 6 s. */
const MAX_GAP = 12
const NEW = Array.from({ length: 200 }, (_, i) => `new${i}`)

test('five streams written twice a second never wait 6 s for a put, whatever others meet', async () => {
  const gaps = await longestGaps({
    '200 new groups in one request': {
      begin: ({ send }) => send(NEW, 'x'),
      end: () => NEW,
    },
    'all creations are throttled': {
      begin({ local, send }) {
        onCreations((operation) => local.faults.throttle({ operation }))
        return send(NEW.slice(0, 20), 'x')
      },
      end({ local }) {
        local.faults.clear()
        return NEW.slice(0, 20)
      },
    },
    'puts to 200 groups answer 500': {
      begin({ local, send }) {
        for (const name of NEW) local.faults.fail(500, { operation: 'PutLogEvents', group: `/test/${name}` })
        return send(NEW, 'x')
      },
    },
  })
  for (const [scenario, gap] of Object.entries(gaps)) expect(gap, scenario).toBeLessThan(MAX_GAP)
}, 150_000)
