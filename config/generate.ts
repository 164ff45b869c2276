// Writes what is made from the schemas of the components: config/schema.json, and the table of options between the
// markers in each component's README. With --check it writes nothing, and exits with 1 if one of them is not fresh.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { components } from '../src/components.ts'
import { configJsonSchema } from '../src/config/describe/json-schema.ts'
import { replaceOptionTable } from '../src/config/describe/option-table.ts'

const ROOT = new URL('..', import.meta.url)
const check = process.argv.includes('--check')

update('config/schema.json', () => `${JSON.stringify(configJsonSchema(components), null, 2)}\n`)
for (const factories of Object.values(components))
  for (const { kind, type, config } of factories)
    update(`src/${kind}s/${type}/README.md`, (text) => replaceOptionTable(text, config) ?? text)

function update(path: string, make: (text: string) => string): void {
  const file = new URL(path, ROOT)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const fresh = make(text)
  if (fresh === text) return
  process.stdout.write(`${path} ${check ? 'is not fresh: npm run generate' : 'written'}\n`)
  if (check) process.exitCode = 1
  else writeFileSync(file, fresh)
}
