// Outages that are longer than `npm run test:full` has time for: each lasts at least the given minutes, until everything has
// been refused for 30 s, with the chart's queue on disk and the default retries.
//
//   node test/full/outage/outage.ts --minutes 10
//   node test/full/outage/outage.ts --minutes 10 --only 'disk, 900 streams'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const ROOT = join(import.meta.dirname, '..', '..', '..')

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, only: { type: 'string' } } })
if (!(Number(values.minutes) > 0)) throw new Error(`--minutes ${values.minutes}: write a number over 0`)

const { status } = spawnSync(
  process.execPath,
  [
    join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    'test/full/outage/outage.test.ts',
    ...(values.only === undefined ? [] : ['--testNamePattern', values.only]),
  ],
  { cwd: ROOT, stdio: 'inherit', env: { ...process.env, OUTAGE_MINUTES: values.minutes } },
)
process.exitCode = status ?? 1
