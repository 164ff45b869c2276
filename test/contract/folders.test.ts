import { globSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Files in one folder; with more of them a reader has to search for a file. */
const MAX_FILES = 12

/** What git ignores: tools that tests install. */
const INSTALLED = ['test/.tools/**']

test.for([
  ['src', 'src/**/*.ts'],
  ['test', 'test/**/*.*'],
] as const)('no folder of %s has more than a dozen files', ([, pattern]) => {
  const files = globSync(pattern, { exclude: INSTALLED, withFileTypes: true }).filter((entry) => entry.isFile())
  const folders = Map.groupBy(files, ({ parentPath }) => parentPath)
  expect(folders.size).toBeGreaterThan(5)
  const full = [...folders].filter(([, inFolder]) => inFolder.length > MAX_FILES)
  expect(full.map(([folder, { length }]) => `${folder} has ${length}: move some of them to a subfolder`)).toEqual([])
})
