import { expect, test } from 'vitest'
import { crashRounds, describeReport, expectNothingLost } from './crash-rounds.ts'

test('a daemon that is killed ten times under load loses nothing it had acknowledged', async () => {
  const report = await crashRounds(10)
  process.stdout.write(`${describeReport(report)}\n`)
  expectNothingLost(report)
  expect(report.acknowledged).toBeGreaterThan(1_000)
}, 120_000)
