import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { components } from '../../../src/components.ts'
import { formatProblem } from '../../../src/config/findings.ts'
import { configJsonSchema } from '../../../src/config/json-schema.ts'
import { loadConfig, type WrittenConfig } from '../../../src/config/load.ts'
import { formatConfig, printableConfig } from '../../../src/config/print.ts'

// What is shipped beside the code: config/*.yaml and config/schema.json, with the components as they are.

const FOLDER = fileURLToPath(new URL('../../../config/', import.meta.url))
const FILES = globSync('*.yaml', { cwd: FOLDER }).toSorted()

function load(uri: string): WrittenConfig {
  const loaded = loadConfig({ uris: [uri], sets: [], env: {}, registry: components })
  if (loaded.kind === 'invalid') expect.fail(loaded.problems.map((problem) => formatProblem(problem)).join('\n'))
  if (loaded.kind === 'nothing') expect.fail('nothing was read')
  return loaded.written
}

test('there are configs to begin with', () => {
  expect(FILES).toContain('quickstart.yaml')
})

test('schema.json is what the schemas make', () => {
  const fresh = `${JSON.stringify(configJsonSchema(components), null, 2)}\n`
  // A difference of 3,000 lines would help nobody.
  expect(readFileSync(`${FOLDER}schema.json`, 'utf8') === fresh, 'npm run generate makes it fresh').toBe(true)
})

test.for(FILES)('%s is good, and the JSON Schema says so too', (file) => {
  load(FOLDER + file)
  const schema = z.fromJSONSchema(configJsonSchema(components))
  expect(schema.safeParse(parse(readFileSync(FOLDER + file, 'utf8'))).error?.issues).toBeUndefined()
})

test.for(FILES)('%s is the same after print-config', (file) => {
  const printed = formatConfig(printableConfig(load(FOLDER + file), 'unredacted'), 'yaml')
  expect(formatConfig(printableConfig(load(`yaml:${printed}`), 'unredacted'), 'yaml')).toBe(printed)
})
