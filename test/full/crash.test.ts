import { expect, test } from 'vitest'
import { crashRounds, describeReport, expectNothingLost } from '../integration/crash-rounds.ts'

test('a daemon that is killed sixty times under load loses nothing it had acknowledged', async () => {
  const report = await crashRounds(60)
  process.stdout.write(`${describeReport(report)}\n`)
  expectNothingLost(report)
  expect(report.acknowledged).toBeGreaterThan(10_000)
}, 600_000)
