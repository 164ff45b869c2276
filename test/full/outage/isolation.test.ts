import { expect, test } from 'vitest'
import { longestGaps, onCreations, type Scenario } from './isolation.ts'

/** Rounds of half a second: 6 s. */
const MAX_GAP = 12
const NEW = Array.from({ length: 200 }, (_, i) => `new${i}`)

const creationsFail = (status: 500 | 503): Scenario => ({
  begin({ local, send }) {
    onCreations((operation) => local.faults.fail(status, { operation }))
    return send(NEW, 'x')
  },
  end({ local }) {
    local.faults.clear()
    return NEW
  },
})

const groupsAnswer500 = (count: number): Scenario => ({
  rounds: 120,
  begin({ local, send }) {
    const bad = NEW.slice(0, count)
    for (const name of bad) local.faults.fail(500, { operation: 'PutLogEvents', group: `/test/${name}` })
    return send(bad, 'x')
  },
  end({ local }) {
    local.faults.clear()
    return NEW.slice(0, count)
  },
})

async function noGaps(scenarios: Readonly<Record<string, Scenario>>): Promise<void> {
  for (const [scenario, gap] of Object.entries(await longestGaps(scenarios)))
    expect(gap, scenario).toBeLessThan(MAX_GAP)
}

test('five streams written twice a second never wait 6 s for a put, whatever happens to others', async () => {
  await noGaps({
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
}, 150_000)

test('streams that work keep their rhythm beside creations that fail', async () => {
  await noGaps({
    'three in five throttled': {
      rounds: 40,
      async begin({ local, send }) {
        let calls = 0
        onCreations((operation) => local.faults.throttle({ operation, when: () => calls++ % 5 < 3 }))
        await send(NEW, 'x')
      },
      end: () => NEW,
    },
    'answers 503': creationsFail(503),
    'answers 500': creationsFail(500),
  })
}, 240_000)

test('streams that work keep their rhythm beside groups that fail', async () => {
  await noGaps({
    '20 groups': groupsAnswer500(20),
    '200 groups': groupsAnswer500(200),
    '50 groups whose connections are cut': {
      rounds: 40,
      begin({ local, send }) {
        const bad = NEW.slice(0, 50)
        for (const name of bad) local.faults.cut('before', { operation: 'PutLogEvents', group: `/test/${name}` })
        return send(bad, 'x')
      },
    },
  })
}, 240_000)

test('streams that work keep their rhythm with two workers', async () => {
  await noGaps({
    '200 new groups in one request': {
      service: { workers: 2 },
      rounds: 40,
      begin: ({ send }) => send(NEW, 'x'),
      end: () => NEW,
    },
    'all creations are throttled, and 20 groups answer 500': {
      service: { workers: 2 },
      rounds: 40,
      begin({ local, send }) {
        onCreations((operation) => local.faults.throttle({ operation }))
        for (const name of NEW.slice(0, 20))
          local.faults.fail(500, { operation: 'PutLogEvents', group: `/test/${name}` })
        return send(NEW, 'x')
      },
    },
  })
}, 240_000)
