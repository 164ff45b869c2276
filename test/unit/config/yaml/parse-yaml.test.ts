import { describe, expect, test } from 'vitest'
import { Findings, formatProblem } from '../../../../src/config/yaml/findings.ts'
import { parseYaml } from '../../../../src/config/yaml/parse-yaml.ts'
import { child, formatPosition, type Node } from '../../../../src/config/yaml/tree.ts'

function parse(text: string): { root: Node | undefined; problems: string[] } {
  const findings = new Findings()
  const root = parseYaml(text, 'a.yaml', findings)
  return { root, problems: findings.problems.map((problem) => formatProblem(problem)) }
}

/** The tree as plain values. */
function plain(node: Node | undefined): unknown {
  if (node?.kind === 'map') return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]))
  if (node?.kind === 'list') return node.items.map(plain)
  return node?.value
}

test('keys and values have positions', () => {
  const { root } = parse('receivers:\n  otlp:\n    endpoint: here\n')
  const otlp = child(child(root, 'receivers'), 'otlp')
  const entry = otlp?.kind === 'map' ? otlp.entries.get('endpoint') : undefined
  expect(entry && formatPosition(entry.keyAt)).toBe('a.yaml:3:5')
  expect(entry && formatPosition(entry.value.at)).toBe('a.yaml:3:15')
})

test.for([
  ['a: 1', { a: 1 }],
  ['a: 0x10', { a: 16 }],
  ['a: yes', { a: 'yes' }],
  ['a: 2001-01-01', { a: '2001-01-01' }],
  ['a:', { a: null }],
  ['1: x\ntrue: y', { '1': 'x', true: 'y' }],
  ['a: 9223372036854775807', { a: '9223372036854775807' }],
  ['', null],
  ['# nothing', null],
] as const)('%j is read as %j', ([text, value]) => {
  expect(plain(parse(text).root)).toEqual(value)
})

describe(':: in a key', () => {
  test('separates keys, and merges with the keys beside it', () => {
    expect(plain(parse('a::b::c: 1\na: { d: 2 }\n').root)).toEqual({ a: { b: { c: 1 }, d: 2 } })
  })
  test('is left alone inside a list', () => {
    expect(plain(parse('a: [{ b::c: 1 }]').root)).toEqual({ a: [{ 'b::c': 1 }] })
  })
})

describe('aliases', () => {
  test('have the value of their anchor, and their own position', () => {
    const { root } = parse('a: &x { b: 1 }\nc: *x\n')
    expect(plain(root)).toEqual({ a: { b: 1 }, c: { b: 1 } })
    expect(formatPosition(child(root, 'c')?.at ?? { source: '' })).toBe('a.yaml:2:4')
  })
  test('take the last anchor before them', () => {
    expect(plain(parse('a: &x 1\nb: &x 2\nc: *x').root)).toEqual({ a: 1, b: 2, c: 2 })
  })
  test('do not move the anchors inside the value they repeat', () => {
    expect(plain(parse('a: &x { b: &y 1 }\nc: &y 2\nd: *x\ne: *y').root)).toMatchObject({ d: { b: 1 }, e: 2 })
  })
  test('that expand to a billion values are refused', () => {
    const lines = Array.from({ length: 9 }, (_, level) =>
      level === 0
        ? 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]'
        : `a${level}: &a${level} [${`*a${level - 1}, `.repeat(10)}]`,
    )
    const { root, problems } = parse(lines.join('\n'))
    expect(root).toBeUndefined()
    expect(problems).toEqual([expect.stringMatching(/^a\.yaml:\d+:\d+: the aliases expand to more than 100000 values/)])
  })
  test('inside their own anchor are refused', () => {
    expect(parse('a: &x [1, *x]').problems).toEqual(['a.yaml:1:11: the alias *x is inside its own anchor'])
  })
  test('without an anchor are refused', () => {
    expect(parse('a: *x').problems).toEqual([
      'a.yaml:1:4: there is no anchor before this alias: put quotes around a string that begins with *',
    ])
  })
})

describe('the merge key <<', () => {
  test('gives keys that the map does not have itself', () => {
    expect(plain(parse('base: &b { x: 1, y: 2 }\na: { <<: *b, y: 3 }').root)).toMatchObject({ a: { x: 1, y: 3 } })
  })
  test('prefers the first of several', () => {
    expect(plain(parse('a: { <<: [{ x: 1 }, { x: 2, y: 2 }] }').root)).toEqual({ a: { x: 1, y: 2 } })
  })
  test('is an ordinary key in quotes', () => {
    expect(plain(parse('a: { "<<": 1 }').root)).toEqual({ a: { '<<': 1 } })
  })
  test('takes maps only', () => {
    expect(parse('a: { <<: 1 }').problems).toEqual(['a.yaml:1:10: the merge key << takes a map or a list of maps'])
  })
})

test.for([
  [
    'a: 1\nb: 2\na: 3\n"b": 4',
    [
      'a.yaml:3:1: duplicate key a in the same map: keep one of the two',
      'a.yaml:4:1: duplicate key "b" in the same map: keep one of the two',
    ],
  ],
  ['a:\n\tb: 1', ['a.yaml:2:1: not valid YAML: a tab is used as indentation: use spaces']],
  [
    'a: [1, 2',
    ['a.yaml:1:9: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [
    'a: 1\n---\nb: 2',
    ['a.yaml:2:1: a second document starts here: write one document, or a file for each with several --config'],
  ],
  [
    'a: !foo bar',
    ['a.yaml:1:4: not valid YAML: tags are not supported: put quotes around a string that begins with !'],
  ],
  ['a: |foo', ['a.yaml:1:5: not valid YAML: Block scalar header includes extra characters']],
  ['a: !!binary aGk=', ['a.yaml:1:13: expected a string, number, boolean, list or map: put quotes around it']],
  ['? [a]\n: 1', ['a.yaml:1:3: a key must be a string']],
] as const)('%j is refused', ([text, problems]) => {
  expect(parse(text).problems).toEqual(problems)
})

test('endless nesting is refused, not a crash', () => {
  expect(parse('['.repeat(20_000)).problems[0]).toMatch(/nested too deeply/)
})
