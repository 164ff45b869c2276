import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

// Holds the documentation to the repository: links, paths and metric names that it mentions have to exist.

const IGNORED = ['node_modules', 'dist', 'test/.tools', 'test/bench/.results']
const PAGES = globSync('**/*.md', { exclude: (path) => IGNORED.includes(path) }).toSorted()
/** Pages that speak of the code as it is. The changelog also names what has moved since. */
const ABOUT_CODE = PAGES.filter((page) => /^(?:docs\/|README|CONTRIBUTING|SECURITY)/.test(page))

const read = (page: string) => readFileSync(page, 'utf8')
const withoutCode = (text: string) => text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '')

test('pages are found', () => {
  expect(PAGES).toEqual(expect.arrayContaining(['README.md', 'src/README.md', 'docs/architecture.md']))
})

describe('links', () => {
  test.for(PAGES)('%s points at files and headings that exist', (page) => {
    const broken = linksOf(read(page)).filter((link) => {
      const [path = '', anchor] = decodeURI(link).split('#', 2)
      const target = path === '' ? page : join(dirname(page), path)
      if (!existsSync(target)) return true
      return anchor !== undefined && statSync(target).isFile() && !anchorsOf(read(target)).has(anchor)
    })
    expect(broken).toEqual([])
  })
})

describe('paths', () => {
  test.for(ABOUT_CODE)('%s names files and folders that exist', (page) => {
    // Drawings count too, so fenced blocks are not left out. A `*` has to match something; `<name>` ends a path.
    const named = [...read(page).matchAll(/(?<![\w/.-])(?:src|test|config|docs|helm)\/[\w./*-]*/g)]
      .map(([path]) => path.replace(/[.-]+$/, ''))
      .filter((path) => !path.startsWith('test/.tools'))
    const missing = [...new Set(named)].filter((path) => globSync(path).length === 0)
    expect(missing).toEqual([])
  })
})

describe('tests', () => {
  test.for(ABOUT_CODE)('%s names tests that exist in the files it links to', (page) => {
    const missing = testsNamedIn(page).filter(({ file, name }) => !existsSync(file) || !namesOfTests(file).has(name))
    expect(missing).toEqual([])
  })

  test('names with parameters are found', () => {
    const names = [...namesOfTests('test/contract/docs.test.ts')]
    expect(names).toEqual(expect.arrayContaining(['pages are found', '… points at files and headings that exist']))
  })
})

test('the operating guide names every metric, and no other', () => {
  const sources = globSync('src/**/*.ts').map(read).join('\n')
  const metrics = new Set(
    [...sources.matchAll(/'((?:otelcol|otlp_cloudwatch)_[a-z_]+)'/g)].map(([, name = '']) => name),
  )
  const guide = read('docs/guides/operating.md')
  const described = new Set([...guide.matchAll(/`((?:otelcol|otlp_cloudwatch)_[a-z_]+)/g)].map(([, name = '']) => name))
  expect([...described].toSorted()).toEqual([...metrics].toSorted())
})

describe('the comparison with other shippers', () => {
  const PAGE = 'docs/comparison.md'
  const text = read(PAGE)
  /** Cells of each numbered row: feature, otlp-cloudwatch, then the other products. */
  const rows = [...text.matchAll(/^\|\s*(\d+)\s*\|(.*)\|$/gm)].map(([, number = '', cells = '']) => ({
    number,
    cells: cells.split('|').map((cell) => cell.trim()),
  }))

  test('has the 55 features, each with a cell for every product', () => {
    expect(rows.map(({ number }) => Number(number))).toEqual(Array.from({ length: 55 }, (_, index) => index + 1))
    const incomplete = rows.filter(({ cells: [, ...products] }) => products.map(verdictOf).filter(Boolean).length !== 8)
    expect(incomplete.map(({ number }) => number)).toEqual([])
  })

  test('links each yes and partly of otlp-cloudwatch to a test, and names the test in the note of the row', () => {
    const unproven = rows.filter(({ number, cells: [, own = ''] }) => {
      const note = noteOf(text, number)
      const verdict = verdictOf(own)
      if (verdict === 'no') return note === ''
      const file = new RegExp(`^\\[${number}\\]: (\\S+\\.test\\.ts)$`, 'm').exec(text)?.[1]
      return !own.includes(`[${verdict}][${number}]`) || file === undefined || !note.includes(`](${file})`)
    })
    expect(unproven.map(({ number }) => number)).toEqual([])
  })

  test('counts the cells as they are', () => {
    const products = Array.from({ length: 8 }, (_, index) => {
      const verdicts = rows.map(({ cells }) => verdictOf(cells[index + 1] ?? ''))
      return ['yes', 'partly', 'no', '–'].map((verdict) => verdicts.filter((other) => other === verdict).length)
    })
    const counted = [...text.matchAll(/^\| [^|]+\|((?:\s+\d+ \|){4})$/gm)]
    expect(counted.map(([, cells = '']) => cells.split('|').slice(0, 4).map(Number))).toEqual(products)
  })
})

/** The verdict a cell of the comparison begins with, or an empty string. */
function verdictOf(cell: string): string {
  return /^\[?(yes|partly|no|–)(?![a-z])/.exec(cell)?.[1] ?? ''
}

/** The list item below a table of the comparison that explains a row. */
function noteOf(text: string, number: string): string {
  return new RegExp(`^- ${number}: (.*(?:\\n  .*)*)`, 'm').exec(text)?.[1] ?? ''
}

/** Inline links to test files. Their text is the name of a test or a group of tests; `…` stands for a parameter. */
function testsNamedIn(page: string): { file: string; name: string }[] {
  const links = [...read(page).matchAll(/\[([^\]]+)\]\(([^)\s]+\.test\.ts)\)/g)]
  return links.map(([, name = '', path = '']) => ({
    file: join(dirname(page), path),
    name: name.replaceAll(/\s+/g, ' '),
  }))
}

/** Titles of the tests and groups of a file, with `…` for parameters. */
function namesOfTests(file: string): Set<string> {
  // With `each` and `for` the title is in a second pair of parentheses.
  const titles = read(file).matchAll(/(?:\)|\b(?:test|describe|it)(?:\.\w+)*)\(\s*(['"`])((?:\\.|(?!\1)[^\\\n])+)\1,/g)
  return new Set(
    [...titles].map(([, , title = '']) =>
      title.replaceAll(/\\(.)/g, '$1').replaceAll(/\$\{[^}]*\}|%[a-z]|\$[a-z]\w*/gi, '…'),
    ),
  )
}

/** Targets inside the repository, of inline links and of reference definitions. */
function linksOf(text: string): string[] {
  const prose = withoutCode(text)
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)]
  const definitions = [...prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)]
  return [...inline, ...definitions].map(([, link = '']) => link).filter((link) => !/^[a-z][a-z+.-]*:/i.test(link))
}

/** Headings as GitHub names them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#{1,6}\s+(.*)$/gm)]
  const seen = new Map<string, number>()
  return new Set(
    headings.map(([, heading = '']) => {
      const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
      const slug = plain
        .trim()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-')
      const count = seen.get(slug) ?? 0
      seen.set(slug, count + 1)
      return count === 0 ? slug : `${slug}-${count}`
    }),
  )
}
