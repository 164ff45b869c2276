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
  [/letGo|takeUp|[tT]urn(?:ed)?Away/, 'release, addRecovered, refuse or reject'],
]

/** The same for tests: their names, identifiers and comments. */
const TEST_MARKERS: readonly (readonly [marker: RegExp, instead: string])[] = [
  [/\bbefall|\bfor ever\b|\ball the same\b|\bat the most\b/i, 'applies to, forever, anyway, at most'],
  [/\bwhoever\b|\bnobody\b|\b(?:some|every)body\b/, 'the noun: a client, another user, no sender'],
  [/\bmend(?:s|ed|ing)?\b|\bdear\b|\banew\b/i, 'fix or repair, expensive, again'],
  [/\b(?:cannot|not to) be had\b|\b(?:is|are) to be\b/i, 'is not available, must be'],
  // `told:` is a key of the journal on disk.
  [/\btold\b(?!:)|\bheard\b|\bhears\b|\btoldTo/i, 'reported, answered, received, or what the value is'],
  [/\bso many\b/i, 'the number, or the name of the parameter'],
  [/\b(?:let go|letGo|lets? in)\b|\bturn(?:s|ed)? away\b|\btake(?:s|n)? up\b/, 'release, accept, refuse, adopt'],
  [/\ba (?:possible )?double of\b|\bpossible doubles?\b|\bpresent time\b/i, 'duplicate, current time'],
]

const FILES = ['src/**/*.ts', 'src/**/*.md', 'docs/**/*.md', '*.md', 'config/*.md'].flatMap((glob) => globSync(glob))

const TESTS = globSync('test/**/*.ts', { exclude: ['test/.tools/**', 'test/contract/words.test.ts'] })

function linesWith(marker: RegExp, files: readonly string[]): string[] {
  return files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, at) => (marker.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  )
}

test('files are found', () => {
  expect(FILES.length).toBeGreaterThan(300)
  expect(TESTS.length).toBeGreaterThan(250)
})

test.each(MARKERS)('no source or page contains %s', (marker, instead) => {
  expect(linesWith(marker, FILES), `write: ${instead}`).toEqual([])
})

test.each(TEST_MARKERS)('no test contains %s', (marker, instead) => {
  expect(linesWith(marker, TESTS), `write: ${instead}`).toEqual([])
})
