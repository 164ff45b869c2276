// Runs the suites and ends with one line that counts all of their tests: `N passed, N failed, N skipped`.
//   node test/run.ts check               format, lint, types, unit, contract, property (no network beyond loopback)
//   node test/run.ts check integration   the same and real clients, crashes and faults: `npm test`
//   node test/run.ts full                what needs Go tools and long rounds: `npm run test:full`

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

type Step =
  | { readonly name: string; readonly command: readonly string[] }
  | { readonly name: string; readonly tests: readonly string[]; readonly files: number }

/**
 * Test files at a time. On two cores a third file runs while others wait: 105 s and 198 s became 65 s and 139 s. The full
 * tests need the cores for their load.
 */
const FILES_THAT_WAIT = 3
const FILES_UNDER_LOAD = 2

const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md']

const STAGES: Readonly<Record<string, readonly Step[]>> = {
  check: [
    { name: 'format', command: ['oxfmt', '--check', 'src', 'test', 'config', 'docs', ...PAGES] },
    { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
    { name: 'types', command: ['tsc', '--noEmit'] },
    {
      name: 'unit, contract and property tests',
      tests: ['test/unit', 'test/contract', 'test/property'],
      files: FILES_THAT_WAIT,
    },
  ],
  integration: [{ name: 'integration tests', tests: ['test/integration'], files: FILES_THAT_WAIT }],
  full: [{ name: 'full tests', tests: ['test/full'], files: FILES_UNDER_LOAD }],
}

const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
const failedSteps: string[] = []

for (const stage of process.argv.slice(2)) {
  const steps = STAGES[stage]
  if (steps === undefined) throw new Error(`no stage ${stage}: write ${Object.keys(STAGES).join(', ')}`)
  for (const step of steps) {
    const started = performance.now()
    const ok = 'command' in step ? (await run(step.command)) === 0 : await runTests(step.tests, step.files)
    print(`${ok ? 'ok' : 'FAILED'}  ${step.name}  ${((performance.now() - started) / 1_000).toFixed(1)} s`)
    if (!ok) failedSteps.push(step.name)
  }
}

if (failedSteps.length > 0) print(`failed: ${failedSteps.join(', ')}`)
// A check that fails without a test (format, lint, types) must not read as a success.
if (failedSteps.length > 0 && counts.failed === 0) counts.failed = failedSteps.length
print(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = failedSteps.length === 0 ? 0 : 1

async function runTests(folders: readonly string[], files: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'otlp-cloudwatch-test-'))
  const report = join(folder, 'report.json')
  try {
    const code = await run([
      'vitest',
      'run',
      ...folders,
      `--maxWorkers=${files}`,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ])
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      await readFile(report, 'utf8'),
    ) as Record<string, number>
    counts.passed += numPassedTests ?? 0
    counts.failed += numFailedTests ?? 0
    counts.skipped += (numPendingTests ?? 0) + (numTodoTests ?? 0)
    return code === 0
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function run([command = '', ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(join('node_modules', '.bin', command), args, { stdio: 'inherit' })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
