import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { components } from '../../../src/components.ts'
import { formatProblem } from '../../../src/config/yaml/findings.ts'
import { configJsonSchema } from '../../../src/config/describe/json-schema.ts'
import { loadConfig, type WrittenConfig } from '../../../src/config/load.ts'
import { formatConfig, printableConfig } from '../../../src/config/describe/print.ts'

// What is shipped beside the code: config/*.yaml, config/schema.json and the guides, with the components as they are.

const FOLDER = fileURLToPath(new URL('../../../config/', import.meta.url))
/** Goes beside another one. */
const BESIDE = 'durable-queue.yaml'
const FILES = globSync('*.yaml', { cwd: FOLDER })
  .filter((file) => file !== BESIDE)
  .toSorted()

/** As far as it is looked at here. */
interface Shipped {
  readonly extensions: object
  readonly exporters: { readonly awscloudwatchlogs: { readonly sending_queue?: { readonly storage?: string } } }
  readonly service: { readonly extensions: readonly string[] }
}

function load(...uris: string[]): WrittenConfig {
  const loaded = loadConfig({ uris, sets: [], env: {}, registry: components })
  if (loaded.kind === 'invalid') expect.fail(loaded.problems.map((problem) => formatProblem(problem)).join('\n'))
  if (loaded.kind === 'nothing') expect.fail('nothing was read')
  return loaded.written
}

function printed(...uris: string[]): Shipped {
  return parse(formatConfig(printableConfig(load(...uris), 'unredacted'), 'yaml')) as Shipped
}

function shipped(...files: string[]): Shipped {
  return printed(...files.map((file) => FOLDER + file))
}

test('configs are found', () => {
  expect(FILES).toContain('quickstart.yaml')
})

test('schema.json is what the schemas make', () => {
  const fresh = `${JSON.stringify(configJsonSchema(components), null, 2)}\n`
  // A difference of 3,000 lines is of no help.
  expect(readFileSync(`${FOLDER}schema.json`, 'utf8') === fresh, 'npm run generate makes it fresh').toBe(true)
})

test.for(FILES)('%s is valid, also by the JSON Schema', (file) => {
  load(FOLDER + file)
  const schema = z.fromJSONSchema(configJsonSchema(components))
  expect(schema.safeParse(parse(readFileSync(FOLDER + file, 'utf8'))).error?.issues).toBeUndefined()
})

test.for(['agent.yaml', 'sidecar.yaml'])(`%s and ${BESIDE} differ in the queue alone`, (file) => {
  const alone = shipped(file)
  const durable = shipped(file, BESIDE)
  const exporter = alone.exporters.awscloudwatchlogs
  expect(exporter.sending_queue?.storage).toBeUndefined()
  expect(durable).toEqual({
    ...alone,
    extensions: { ...alone.extensions, file_storage: expect.objectContaining({ directory: expect.any(String) }) },
    exporters: {
      awscloudwatchlogs: { ...exporter, sending_queue: { ...exporter.sending_queue, storage: 'file_storage' } },
    },
    service: { ...alone.service, extensions: [...alone.service.extensions, 'file_storage'] },
  })
})

describe('the guides', () => {
  const GUIDES = fileURLToPath(new URL('../../../docs/guides/', import.meta.url))
  const isWhole = (yaml: string) => yaml.includes('pipelines:')

  test.for(globSync('*.md', { cwd: GUIDES }).toSorted())('%s shows valid configs', (page) => {
    const guide = readFileSync(GUIDES + page, 'utf8')
    const blocks = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, yaml = '']) => yaml)
    const agent = readFileSync(`${FOLDER}agent.yaml`, 'utf8')
    // A block without a pipeline goes beside the first one of its page that has one, or beside agent.yaml.
    const first = blocks.find(isWhole) ?? agent
    const env = { BLUE_TOKEN: 'a-token-of-the-tenant-blue' }
    for (const block of blocks) {
      const uris = (isWhole(block) ? [block] : [first, block]).map((yaml) => `yaml:${yaml}`)
      const loaded = loadConfig({ uris, sets: [], env, registry: components })
      if (loaded.kind === 'invalid') expect.fail(loaded.problems.map((problem) => formatProblem(problem)).join('\n'))
    }
  })

  test('keep the queue on disk where they promise it, alone and with durable-queue.yaml', () => {
    const durability = readFileSync(`${GUIDES}durability.md`, 'utf8')
    const [, block = ''] = /```yaml\n(.*?)```/s.exec(durability) ?? []
    const [, mine = ''] = /```yaml\n(.*?)```/s.exec(readFileSync(`${GUIDES}README.md`, 'utf8')) ?? []
    for (const [uris, storage] of [
      [[], undefined],
      [[`yaml:${block}`], 'file_storage'],
      [[FOLDER + BESIDE], 'file_storage'],
    ] as const) {
      expect(printed(`yaml:${mine}`, ...uris).exporters.awscloudwatchlogs.sending_queue?.storage).toBe(storage)
    }
  })

  test('show the shipped gateway and sidecar as they are, HTTP of the gateway left out', () => {
    const shown = (page: string) => /```yaml\n(.*?)```/s.exec(readFileSync(GUIDES + page, 'utf8'))?.[1] ?? ''
    const wanted = parse(readFileSync(`${FOLDER}gateway.yaml`, 'utf8')) as {
      receivers: { otlp: { protocols: { http?: unknown } } }
    }
    delete wanted.receivers.otlp.protocols.http
    expect(parse(shown('gateway.md'))).toEqual(wanted)
    expect(parse(shown('sidecar.md'))).toEqual(parse(readFileSync(`${FOLDER}sidecar.yaml`, 'utf8')))
  })
})

test('gateway.yaml has its queue on disk', () => {
  const { exporters, service } = shipped('gateway.yaml')
  expect(exporters.awscloudwatchlogs.sending_queue?.storage).toBe('file_storage')
  expect(service.extensions).toContain('file_storage')
})

test.for(FILES)('%s is the same after print-config', (file) => {
  const printed = formatConfig(printableConfig(load(FOLDER + file), 'unredacted'), 'yaml')
  expect(formatConfig(printableConfig(load(`yaml:${printed}`), 'unredacted'), 'yaml')).toBe(printed)
})
