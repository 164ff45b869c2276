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

test('the operating guide names every metric, and no other', () => {
  const sources = globSync('src/**/*.ts').map(read).join('\n')
  const metrics = new Set(
    [...sources.matchAll(/'((?:otelcol|otlp_cloudwatch)_[a-z_]+)'/g)].map(([, name = '']) => name),
  )
  const guide = read('docs/guides/operating.md')
  const described = new Set([...guide.matchAll(/`((?:otelcol|otlp_cloudwatch)_[a-z_]+)/g)].map(([, name = '']) => name))
  expect([...described].toSorted()).toEqual([...metrics].toSorted())
})

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
