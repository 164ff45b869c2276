// The soak for longer than `npm run test:full` has time, or with the faults of another run:
//
//   node test/full/soak/soak.ts --minutes 10
//   node test/full/soak/soak.ts --minutes 10 --seed 756429
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const ROOT = join(import.meta.dirname, '..', '..', '..')

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } } })
const seconds = Number(values.minutes) * 60
if (!(seconds > 0)) throw new Error(`--minutes ${values.minutes}: write a number over 0`)

const { status } = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/full/soak/soak.test.ts'],
  {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      SOAK_SECONDS: String(seconds),
      ...(values.seed === undefined ? {} : { SOAK_SEED: values.seed }),
    },
  },
)
process.exitCode = status ?? 1
