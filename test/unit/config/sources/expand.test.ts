import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expand } from '../../../../src/config/sources/expand.ts'
import { Findings, formatProblem } from '../../../../src/config/yaml/findings.ts'
import { parseYaml } from '../../../../src/config/yaml/parse-yaml.ts'
import type { Environment } from '../../../../src/config/sources/retrieve.ts'
import { child, formatPosition, type Node } from '../../../../src/config/yaml/tree.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'expand-'))))
afterAll(() => rmSync(folder, { recursive: true }))

/** What `a: <text>` becomes, its value in quotes so that YAML leaves it alone. */
function expandText(text: string, env: Environment = {}) {
  const findings = new Findings()
  const root = parseYaml(`a: ${JSON.stringify(text)}`, 'a.yaml', findings)
  const node = child(root && expand(root, { env }, findings), 'a')
  return {
    node,
    value: plain(node),
    notes: findings.notes,
    problems: findings.problems.map((one) => formatProblem(one)),
  }
}

function plain(node: Node | undefined): unknown {
  if (node?.kind === 'map') return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]))
  if (node?.kind === 'list') return node.items.map(plain)
  return node?.value
}

describe('a reference that is the whole value', () => {
  test.for([
    ['5', 5],
    ['0123', 123],
    ['true', true],
    ['[a, b]', ['a', 'b']],
    ['{a: {b: 1}}', { a: { b: 1 } }],
    ['text', 'text'],
    ['"quoted"', '"quoted"'], // the collector keeps the characters of a text, quotes too
    ['@not yaml', '@not yaml'],
    ['a: b: c', 'a: b: c'],
    ['', null],
    ['~', null],
  ] as const)('to a variable %j is %j', ([text, value]) => {
    expect(expandText('${env:X}', { X: text }).value).toEqual(value)
  })

  test('keeps the characters for a string field', () => {
    expect(expandText('${env:X}', { X: '0123' }).node?.original).toBe('0123')
    expect(expandText('${env:X}', { X: '{ClusterName}' }).node?.original).toBe('{ClusterName}')
    expect(expandText('${env:X}', { X: '' }).node?.original).toBe('')
  })

  test('without a scheme is a variable', () => {
    expect(expandText('${X}', { X: '5' }).value).toBe(5)
  })

  test('has the position of the reference', () => {
    const { node } = expandText('${env:X}', { X: '5' })
    expect(node && formatPosition(node.at)).toBe('a.yaml:1:4')
  })

  test('to yaml: is that YAML', () => {
    expect(expandText('${yaml:[1, 2]}').value).toEqual([1, 2])
  })
})

describe('a default', () => {
  test('counts for a variable that is not set', () => {
    expect(expandText('${env:X:-7}').value).toBe(7)
    expect(expandText('${env:X:-a:-b}').value).toBe('a:-b')
  })
  test('does not count for one that is set to nothing', () => {
    expect(expandText('${env:X:-7}', { X: '' }).value).toBeNull()
  })
  test('is suggested for a variable that is not set', () => {
    expect(expandText('${env:X:-}')).toMatchObject({ value: null, problems: [] })
    expect(expandText('${env:X}').problems).toEqual([
      'a.yaml:1:4: a: ${env:X}: the environment variable X is not set: set it, or write a default, env:X:-text',
    ])
  })
})

describe('a chain of variables', () => {
  const chain = '${env:A:-/x/${env:B:-${env:C}}}'
  test('ignores the variables after the first that is set', () => {
    expect(expandText(chain, { A: 'a' })).toMatchObject({ value: 'a', problems: [] })
    expect(expandText(chain, { B: 'b' })).toMatchObject({ value: '/x/b', problems: [] })
    expect(expandText(chain, { C: 'c' })).toMatchObject({ value: '/x/c', problems: [] })
  })
  test('names the last one where none is set', () => {
    expect(expandText(chain).problems).toEqual([expect.stringContaining('the environment variable C is not set')])
    expect(expandText('${env:A:-}${env:B}', { A: 'a' }).problems).toEqual([expect.stringContaining('B is not set')])
    expect(expandText('$${env:A:-${env:B}}', { A: 'a' }).problems).toEqual([expect.stringContaining('B is not set')])
  })
})

describe('a reference inside a text', () => {
  test('is replaced by the characters of the variable', () => {
    expect(expandText('/${env:X}/${Y}', { X: '0123', Y: '[a]' }).value).toBe('/0123/[a]')
  })
  test('is nothing where its default is', () => {
    expect(expandText('a${env:X:-}b').value).toBe('ab')
  })
  test('may stand inside another', () => {
    expect(expandText('${env:${env:X}}', { X: 'Y', Y: 'found' }).value).toBe('found')
  })
  test('may result from another reference', () => {
    expect(expandText('${env:X}', { X: 'a ${env:Y}', Y: 'b' }).value).toBe('a b')
  })
})

describe('$$', () => {
  test.for([
    ['$$', '$'],
    ['a$b', 'a$b'],
    ['$${env:X}', '${env:X}'],
    ['$$${env:X}', '$x'],
    ['$$$${env:X}', '$${env:X}'],
    ['${env:X} $${env:X}', 'x ${env:X}'],
    ['{ $}', '{ $}'],
    ['}${', '}${'],
  ] as const)('%j is %j', ([text, value]) => {
    expect(expandText(text, { X: 'x' }).value).toBe(value)
  })
})

describe('a file', () => {
  test('brings in values with their own positions', () => {
    writeFileSync(join(folder, 'part.yaml'), 'b:\n  c: ${env:X}\n')
    const { node, value } = expandText(`\${file:${folder}/part.yaml}`, { X: '1' })
    expect(value).toEqual({ b: { c: 1 } })
    const b = node?.kind === 'map' ? node.entries.get('b') : undefined
    expect(b && formatPosition(b.keyAt)).toBe(`${folder}/part.yaml:1:1`)
  })
  test('that is missing is a problem of the value that names it', () => {
    expect(expandText('${file:/none}').problems).toEqual([
      'a.yaml:1:4: a: ${file:/none}: the file /none cannot be read: there is no such file',
    ])
  })
  test('that includes itself twice is refused', () => {
    writeFileSync(join(folder, 'self.yaml'), `[ "\${file:${folder}/self.yaml}", "\${file:${folder}/self.yaml}" ]`)
    expect(expandText(`\${file:${folder}/self.yaml}`).problems[0]).toMatch(/refers to itself/)
  })
})

test.for([
  [
    '${env:a-b}',
    'a.yaml:1:4: a: ${env:a-b}: "a-b" cannot be the name of an environment variable: write letters, digits and _, or $$ for a dollar sign',
  ],
  [
    '${1}',
    'a.yaml:1:4: a: ${env:1}: "1" cannot be the name of an environment variable: write letters, digits and _, or $$ for a dollar sign',
  ],
  ['${env:A$B}', 'a.yaml:1:4: a: ${env:A$B}: a reference cannot contain a $'],
  ['${envv:X}', 'a.yaml:1:4: a: ${envv:X}: no config can be read from envv:; did you mean "env"?'],
  [
    '${https://a/b}',
    "a.yaml:1:4: a: ${https://a/b}: a config cannot be fetched over https: download it and write the file's path",
  ],
] as const)('%s is refused', ([text, problem]) => {
  expect(expandText(text).problems).toEqual([problem])
})

test('a variable that names itself is refused', () => {
  expect(expandText('x${env:X}', { X: '${env:X}' }).problems).toEqual([
    'a.yaml:1:4: a: ${env:X} refers to itself, or expands through too many references',
  ])
})
