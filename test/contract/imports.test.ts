import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

// Imports go one way, from right to left. What stands together in one entry may import each other.
const LAYERS: readonly (readonly string[])[] = [
  ['wire'],
  ['telemetry'],
  ['accounting'],
  ['component'],
  ['config'],
  ['otlp', 'listen', 'aws'],
  ['delivery'],
  ['receivers', 'processors', 'exporters', 'extensions', 'index.ts'],
  ['components.ts'],
  ['service'],
  ['process'],
  ['cli'],
  ['main.ts'],
]
const COMPONENT_FOLDERS = /^(?:receivers|processors|exporters|extensions)\/[^/]+/

const layerOf = (path: string) => LAYERS.findIndex((names) => names.includes(path.split('/')[0] ?? ''))

const imports = globSync('src/**/*.ts').flatMap((file) => {
  const from = relative('src', file)
  return [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']*)'/g)].map(([, target = '']) => ({
    from,
    to: relative('src', join(dirname(file), target)),
  }))
})

describe('imports', () => {
  test('are found at all', () => {
    expect(imports.length).toBeGreaterThan(100)
  })

  test('every file of src belongs to a layer', () => {
    const strangers = new Set(imports.map(({ from }) => from).filter((path) => layerOf(path) < 0))
    expect([...strangers]).toEqual([])
  })

  test('go one way', () => {
    const upward = imports.filter(({ from, to }) => layerOf(to) > layerOf(from))
    expect(upward.map(({ from, to }) => `${from} imports ${to}`)).toEqual([])
  })

  test('never reach from one component into another', () => {
    const sideways = imports.filter(({ from, to }) => {
      const own = COMPONENT_FOLDERS.exec(from)?.[0]
      const other = COMPONENT_FOLDERS.exec(to)?.[0]
      return own !== undefined && other !== undefined && own !== other
    })
    expect(sideways.map(({ from, to }) => `${from} imports ${to}`)).toEqual([])
  })

  test('reach no component from the command line', () => {
    const reaching = imports.filter(({ from, to }) => from.startsWith('cli/') && COMPONENT_FOLDERS.test(to))
    expect(reaching.map(({ from, to }) => `${from} imports ${to}`)).toEqual([])
  })

  test('keep delivery free of AWS and OTLP', () => {
    const foreign = globSync('src/delivery/**/*.ts').filter((file) =>
      /@aws-sdk|@opentelemetry|\/otlp\//.test(readFileSync(file, 'utf8')),
    )
    expect(foreign).toEqual([])
  })

  test('keep everything below process free of other processes', () => {
    const foreign = globSync('src/**/*.ts').filter(
      (file) =>
        layerOf(relative('src', file)) < layerOf('process') && readFileSync(file, 'utf8').includes("'node:cluster'"),
    )
    expect(foreign).toEqual([])
  })
})
