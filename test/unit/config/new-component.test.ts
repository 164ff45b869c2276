import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { KINDS } from '../../../config/component-files.ts'

const SCRIPT = join(import.meta.dirname, '../../../config/new-component.ts')

/** A folder with the registry and nothing else. */
function emptyProject(): string {
  const root = mkdtempSync(join(tmpdir(), 'otlp-cloudwatch-new-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, 'src'))
  cpSync(join(import.meta.dirname, '../../../src/components.ts'), join(root, 'src/components.ts'))
  return root
}

function run(root: string, ...args: string[]): { readonly code: number; readonly out: string; readonly err: string } {
  try {
    const out = execFileSync(process.execPath, [SCRIPT, '--root', root, ...args], { encoding: 'utf8', stdio: 'pipe' })
    return { code: 0, out, err: '' }
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
    return { code: status, out: stdout, err: stderr }
  }
}

test.each(KINDS)('creates a %s and registers it in the order of the names', (kind) => {
  const root = emptyProject()
  const { code, out } = run(root, kind, 'log_thing')
  expect(code).toBe(0)
  for (const file of ['README.md', 'config.ts', 'index.ts', `${kind}.ts`]) {
    expect(out).toContain(`src/${kind}s/log_thing/${file} written`)
    expect(readFileSync(join(root, `src/${kind}s/log_thing/${file}`), 'utf8')).not.toBe('')
  }
  expect(out).toContain(`${kind}s:\n  log_thing:\n`)
  const factory = `logThing${kind[0]?.toUpperCase()}${kind.slice(1)}`
  const registry = readFileSync(join(root, 'src/components.ts'), 'utf8')
  expect(registry).toContain(`import { ${factory} } from './${kind}s/log_thing/index.ts'`)
  const listed = new RegExp(`${kind}s: \\[([^\\]]*)\\]`).exec(registry)?.[1]?.match(/\w+/g) ?? []
  expect(listed).toContain(factory)
  expect(listed).toEqual(listed.toSorted())
  const imported = [...registry.matchAll(/from '(\.\/(?:exporters|extensions|processors|receivers)[^']*)'/g)].map(
    ([, path]) => path,
  )
  expect(imported).toEqual(imported.toSorted((a = '', b = '') => (a < b ? -1 : 1)))
})

test('does not overwrite an existing component', () => {
  const root = emptyProject()
  expect(run(root, 'processor', 'twice').code).toBe(0)
  const before = readFileSync(join(root, 'src/components.ts'), 'utf8')
  expect(run(root, 'processor', 'twice')).toMatchObject({ code: 1, err: expect.stringContaining('exists') as string })
  expect(readFileSync(join(root, 'src/components.ts'), 'utf8')).toBe(before)
})

test.each([
  [['procesor', 'x'], 'write one of receiver, processor, exporter, extension'],
  [['processor', '../x'], 'such as log_dedup'],
  [['processor', 'Log'], 'such as log_dedup'],
  [['processor'], 'such as log_dedup'],
  [['processor', 'x', 'y'], 'write one kind and one name'],
  [['processor', 'x', '--force'], '--force'],
])('refuses %j and names the valid form', (args, message) => {
  expect(run(emptyProject(), ...args)).toMatchObject({ code: 2, err: expect.stringContaining(message) as string })
})

test('prints its usage', () => {
  expect(run(emptyProject(), '--help')).toMatchObject({
    code: 0,
    out: expect.stringContaining('Usage: npm run new') as string,
  })
})
