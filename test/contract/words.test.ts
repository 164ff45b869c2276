// Plain words: what a native-speaking engineer would not write, and what to write instead. A comment that is read twice is
// read by half as many.
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const MARKERS: readonly (readonly [marker: RegExp, instead: string])[] = [
  [/\bbefall/i, 'applies to, happens to'],
  [/\bfor ever\b/i, 'forever, or without a limit'],
  [/\ball the same\b/i, 'anyway, still'],
  [/\bat the most\b/i, 'at most'],
  [/\bwhoever\b/i, 'the noun'],
  [/\bnobody\b/i, 'no one, or the noun'],
  [/\bmend(?:s|ed|ing)?\b/i, 'fix'],
  [/\bis dear\b|\btoo dear\b/i, 'expensive'],
  [/\bcannot be had\b/i, 'is not available'],
  [/^\s*(?:\/\*\*|\*|\/\/) (?:What|Of) /, 'a noun first'],
  [/\b(?:is|are) to be\b/i, 'must be, or the active voice'],
  [/\b(?:MOST|LEAST)_[A-Z]/, 'MAX_, MIN_'],
  [/\bpossible doubles\b/i, 'possible duplicates'],
]

const FILES = ['src/**/*.ts', 'src/**/*.md', 'docs/**/*.md', '*.md', 'config/*.md'].flatMap((glob) => globSync(glob))

test('are found at all', () => {
  expect(FILES.length).toBeGreaterThan(300)
})

test.each(MARKERS)('nothing says %s', (marker, instead) => {
  const found = FILES.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, at) => (marker.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  )
  expect(found, `write: ${instead}`).toEqual([])
})
