import { globSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'

/** Files of source in one folder; beyond that a reader looks for a file instead of seeing it. */
const MAX_FILES = 12

test.for([
  ['src', 'src/**/*.ts'],
  ['test/unit', 'test/unit/**/*.ts'],
  ['test/integration', 'test/integration/**/*.ts'],
] as const)('no folder of %s has more than a dozen files', ([, pattern]) => {
  const folders = Map.groupBy(globSync(pattern), (file) => dirname(file))
  expect(folders.size).toBeGreaterThan(5)
  const full = [...folders].filter(([, files]) => files.length > MAX_FILES)
  expect(full.map(([folder, files]) => `${folder} has ${files.length}: give some of them a folder`)).toEqual([])
})
