// Lays out the files of a new component, registers it in src/components.ts, and prints what to do next. What it writes passes
// `npm run check` as it is.
//
//   npm run new -- processor|receiver|exporter|extension NAME
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import {
  configOf,
  exampleOf,
  factoryOf,
  type Kind,
  KINDS,
  type Names,
  readmeOf,
  testOf,
  workOf,
} from './component-files.ts'

const USAGE = `Usage: npm run new -- ${KINDS.join('|')} NAME

Writes src/<kind>s/NAME with README.md, config.ts, index.ts and <kind>.ts, a unit test, and the line in src/components.ts.
NAME is the id in a config: lower-case letters, digits and underscores, such as log_dedup.
`

process.exitCode = main(process.argv.slice(2))

/** @returns the exit code: 2 for wrong usage, 1 if the component exists */
function main(args: string[]): number {
  const parsed = read(args)
  if (typeof parsed === 'string') {
    process.stderr.write(`${parsed}\n${USAGE}`)
    return 2
  }
  if (parsed === undefined) {
    process.stdout.write(USAGE)
    return 0
  }
  const { root, names } = parsed
  const { kind, type } = names
  const folder = `src/${kind}s/${type}`
  if (existsSync(join(root, folder))) {
    process.stderr.write(`${folder} exists: choose another name, or remove the folder\n`)
    return 1
  }
  const test = `test/unit/${kind}s/${type}/${kind}.test.ts`
  const files: Readonly<Record<string, string>> = {
    [`${folder}/README.md`]: readmeOf(names),
    [`${folder}/config.ts`]: configOf(names),
    [`${folder}/index.ts`]: factoryOf(names),
    [`${folder}/${kind}.ts`]: workOf(names),
    [test]: testOf(names),
    'src/components.ts': registered(readFileSync(join(root, 'src/components.ts'), 'utf8'), names),
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    process.stdout.write(`${path} written\n`)
  }
  process.stdout.write(`
Next:
1. Describe the options in ${folder}/config.ts, then: npm run generate
2. Do the work in ${folder}/${kind}.ts, and test it in ${test}
3. Link ${folder}/README.md from README.md
4. npm run check

Use it:

${exampleOf(names)}`)
  return 0
}

/** @returns an error, or undefined for --help */
function read(args: string[]): { readonly root: string; readonly names: Names } | string | undefined {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return (error as Error).message
  }
  const { values, positionals } = parsed
  if (values.help) return undefined
  const [kind = '', type = '', ...rest] = positionals
  if (!isKind(kind)) return `${JSON.stringify(kind)} is not a kind of component: write one of ${KINDS.join(', ')}`
  if (!/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(type))
    return `${JSON.stringify(type)} is not a name: write lower-case letters, digits and underscores, such as log_dedup`
  if (rest.length > 0) return `${JSON.stringify(rest.join(' '))} is too much: write one kind and one name`
  const camel = type.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  const pascal = camel[0]?.toUpperCase() + camel.slice(1)
  return { root: values.root, names: { kind, type, camel, pascal } }
}

function parse(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      root: { type: 'string', default: join(import.meta.dirname, '..') },
    },
  })
}

function isKind(kind: string): kind is Kind {
  return KINDS.some((known) => known === kind)
}

/** The registry with the factory in it, in the order of the names. */
function registered(registry: string, { kind, type, camel, pascal }: Names): string {
  const factory = `${camel}${kind[0]?.toUpperCase()}${kind.slice(1)}`
  const line = `import { ${factory} } from './${kind}s/${type}/index.ts'`
  const lines = registry.split('\n')
  const at = lines.findIndex((other) => other.startsWith('import {') && pathOf(other) > pathOf(line))
  lines.splice(at < 0 ? lines.findIndex((other) => other === '') : at, 0, line)
  return lines.join('\n').replace(new RegExp(`(  ${kind}s: \\[)([^\\]]*)\\]`), (_, head: string, list: string) => {
    const names = [...list.split(',').map((name) => name.trim()), factory].filter((name) => name !== '')
    const short = `${head}${names.join(', ')}]`
    const sorted = names.toSorted()
    if (short.length < 120 && !list.includes('\n')) return `${head}${sorted.join(', ')}]`
    return `${head}\n${sorted.map((name) => `    ${name},`).join('\n')}\n  ]`
  })
  function pathOf(statement: string): string {
    return /'(.*)'/.exec(statement)?.[1] ?? pascal
  }
}
