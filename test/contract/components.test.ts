import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { ByteBudget } from '../../src/component/byte-budget.ts'
import type { Component, ComponentSettings } from '../../src/component/component.ts'
import { parseComponentId } from '../../src/component/id.ts'
import { ALONE } from '../../src/component/siblings.ts'
import { CONFIG_OPTIONS } from '../../src/cli/load-config.ts'
import { components } from '../../src/components.ts'
import { replaceOptionTable } from '../../src/config/describe/option-table.ts'
import { silentLogger } from '../../src/telemetry/logger.ts'
import { Registry } from '../../src/telemetry/registry.ts'

// What every component has to be, held over the whole registry and over the folders, so that neither forgets the other.

const SOURCES = new URL('../../src/', import.meta.url).pathname
const KINDS = ['receiver', 'processor', 'exporter', 'extension'] as const
const ALL = [...components.receivers, ...components.processors, ...components.exporters, ...components.extensions]

const EACH = ALL.map((factory) => {
  const folder = join(SOURCES, `${factory.kind}s`, factory.type)
  return { ...factory, factory, folder, readme: () => readFileSync(join(folder, 'README.md'), 'utf8') }
})

describe('the registry', () => {
  test.for(KINDS)('holds every folder of the kind %s, and each folder is a component', (kind) => {
    const folders = readdirSync(join(SOURCES, `${kind}s`), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
    const types = components[`${kind}s`].map(({ type }) => type)
    expect(types.toSorted()).toEqual(folders.toSorted())
  })

  test.for(KINDS)('lists each %s once, under its own kind', (kind) => {
    const factories = components[`${kind}s`]
    expect(new Set(factories.map(({ type }) => type)).size).toBe(factories.length)
    expect(factories.map((factory) => factory.kind)).toEqual(factories.map(() => kind))
  })
})

test('no two components offer the same command', () => {
  const names = ALL.flatMap(({ commands = [] }) => commands.map(({ name }) => name))
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
})

describe.for(EACH)('the $kind $type', ({ factory, folder, kind, type, config, readme }) => {
  test('has an id in lower snake case', () => {
    expect(parseComponentId(type)).toEqual({ type, name: '' })
  })

  test('has the roster of files', () => {
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['README.md', 'config.ts', 'index.ts', `${kind}.ts`]))
  })

  test('exports from its index.ts the factory and nothing else', async () => {
    const module = (await import(join(folder, 'index.ts'))) as Record<string, unknown>
    const camelCase = type.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    expect({ ...module }).toEqual({ [camelCase + kind[0]?.toUpperCase() + kind.slice(1)]: factory })
  })

  test('describes itself in one sentence', () => {
    expect(factory.description).toMatch(/^[A-Z].{10,100}\.$/)
  })

  test('describes every key of its config and knows no others', () => {
    for (const { path, schema } of objectsIn(config)) {
      expect(schema.additionalProperties, `${path} takes keys it does not know`).toBe(false)
      for (const [key, property] of Object.entries(schema.properties ?? {}))
        expect(property.description ?? '', `the description of ${path}.${key}`).toMatch(/^.{3,}\.$/s)
    }
  })

  test('accepts an empty config or names what is missing', () => {
    const keys = Object.keys(objectsIn(config)[0]?.schema.properties ?? {})
    for (const { path, message } of config.safeParse({}).error?.issues ?? []) {
      const named = keys.filter((key) => path.includes(key) || message.includes(key))
      expect(named, message).not.toEqual([])
    }
  })

  test('offers commands that load, and that leave the options of the config to the command line', async () => {
    for (const { name, summary, load } of factory.commands ?? []) {
      expect(name).toMatch(/^[a-z-]+(?: [a-z-]+)?$/)
      expect(summary).toMatch(/^[a-z].{5,60}$/)
      const { command } = await load()
      expect(command.description).toMatch(/\.$/)
      for (const option of Object.keys(CONFIG_OPTIONS)) expect(command.options).not.toHaveProperty(option)
    }
  })

  test('has a README with an example that is a valid config', () => {
    expect(config.safeParse(example(readme(), kind, type)).error).toBeUndefined()
  })

  test('has a README whose table of options is the one its schema makes', () => {
    const text = readme()
    expect(replaceOptionTable(text, config), 'run npm run generate').toBe(text)
  })

  test('has a README that describes its failures and metrics', () => {
    expect(readme()).toMatch(/fail/i)
    expect(readme()).toMatch(/metrics/i)
  })

  test('can be shut down unstarted, and twice', async () => {
    const component = build(factory, config.parse(example(readme(), kind, type)))
    await component?.shutdown(new AbortController().signal)
    await component?.shutdown(AbortSignal.abort())
  })
})

/** A processor of today is no component: it has nothing to start. */
function build(factory: (typeof ALL)[number], config: unknown): Component | undefined {
  const settings: ComponentSettings<unknown> = {
    id: { type: factory.type, name: '' },
    config,
    logger: silentLogger,
    metrics: new Registry(),
    budget: new ByteBudget(1024 ** 2),
    build: { name: 'test', version: '0' },
    siblings: ALONE,
  }
  switch (factory.kind) {
    case 'receiver':
      return factory.create(settings, { consume: () => expect.fail('nothing was received') })
    case 'exporter':
      return factory.create({ ...settings, shape: {} })
    case 'extension':
      return factory.create(settings)
    case 'processor':
      expect(factory.shape(config)).toBeTypeOf('object')
      return undefined
  }
}

/** What the first YAML block of a README configures the component with. */
function example(readme: string, kind: string, type: string): unknown {
  const yaml = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? ''
  const section = (parse(yaml) as Record<string, Record<string, unknown>> | null)?.[`${kind}s`]
  expect(section, 'the first YAML block of the README shows the component').toHaveProperty(type)
  return section?.[type] ?? {}
}

interface ObjectSchema {
  /** Of `acceptedWithoutEffect` and `notYet`. */
  readonly status?: string
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, ObjectSchema>>
  readonly additionalProperties?: boolean | ObjectSchema
  readonly items?: ObjectSchema
  readonly anyOf?: readonly ObjectSchema[]
  readonly allOf?: readonly ObjectSchema[]
}

/** Every object with named keys in a schema, outermost first. */
function objectsIn(config: z.ZodType): { path: string; schema: ObjectSchema }[] {
  const found: { path: string; schema: ObjectSchema }[] = []
  const visit = (schema: ObjectSchema, path: string): void => {
    // A key without effect, or not supported yet: what may stand in it is the collector's affair.
    if (schema.status !== undefined) return
    if (schema.properties !== undefined) found.push({ path, schema })
    for (const [key, property] of Object.entries(schema.properties ?? {})) visit(property, `${path}.${key}`)
    for (const branch of [...(schema.anyOf ?? []), ...(schema.allOf ?? [])]) visit(branch, path)
    if (schema.items !== undefined) visit(schema.items, `${path}[]`)
    if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, `${path}.*`)
  }
  visit(z.toJSONSchema(config, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as ObjectSchema, 'config')
  return found
}
