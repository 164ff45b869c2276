import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

// Imports go one way, from right to left. Those in one entry import none of each other.
const LAYERS: readonly (readonly string[])[] = [
  ['wire'],
  ['telemetry'],
  ['accounting'],
  ['component'],
  ['config'],
  ['otlp', 'listen', 'aws'],
  ['intake'],
  ['delivery'],
  ['receivers', 'processors', 'exporters', 'extensions'],
  ['index.ts', 'winston.ts', 'pino.ts', 'components.ts'],
  ['service'],
  ['process'],
  ['cli'],
  ['main.ts'],
]
const COMPONENT_KINDS: ReadonlySet<string> = new Set(['receivers', 'processors', 'exporters', 'extensions'])
const COMPONENT_FOLDERS = /^(?:receivers|processors|exporters|extensions)\/[^/]+/

/** The same inside of each folder that has folders. Files beside them may stand anywhere between. */
const INNER_LAYERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  config: [['yaml', 'schema'], ['sources', 'check'], ['describe']],
  listen: [['memory', 'socket', 'tls', 'directory'], ['compression', 'http'], ['grpc']],
  intake: [['refusals'], ['http']],
  aws: [['environment'], ['connection', 'credentials']],
  delivery: [['contract'], ['faults', 'queue'], ['lanes'], ['scheduling'], ['dead-letters'], ['adoption']],
  'delivery/queue': [['disk']],
  'delivery/queue/disk': [['files'], ['format'], ['segments'], ['reading'], ['paging'], ['recovery']],
  service: [['consumers', 'memory']],
  cli: [['commands']],
  'receivers/http_json': [['keys']],
  'receivers/otlp': [['grpc', 'http']],
  'exporters/awscloudwatchlogs': [
    ['route'],
    ['aws', 'event'],
    ['options'],
    ['provision', 'dead-letters', 'settings'],
    ['accounting', 'put'],
    ['storage'],
    ['commands', 'library'],
  ],
  'exporters/awscloudwatchlogs/commands': [['tail'], ['explain', 'policy'], ['doctor']],
  'exporters/awscloudwatchlogs/library': [['lines'], ['application-log']],
  'exporters/awscloudwatchlogs/event': [['oversize', 'message']],
  'extensions/cloudwatch_local': [
    ['answer'],
    ['store', 'filter'],
    ['request', 'faults'],
    ['paging', 'directory', 'live-tail'],
    ['operations'],
    ['api'],
  ],
  'extensions/cloudwatch_local/filter': [['json', 'fields']],
  'extensions/cloudwatch_local/operations': [['events', 'groups', 'streams', 'tags']],
}

/** The file or folder directly in `folder` that `path` is or lies in. */
function childOf(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split('/')[0] : undefined
}

/** Imports that are part of a circle, or lie between two: what is left without those that nothing follows or precedes. */
function circlesIn(imports: readonly { readonly from: string; readonly to: string }[]): string[] {
  let left = imports.filter(({ from, to }) => from !== to)
  for (let before = Infinity; left.length < before;) {
    before = left.length
    const importing = new Set(left.map(({ from }) => from))
    const imported = new Set(left.map(({ to }) => to))
    left = left.filter(({ from, to }) => imported.has(from) && importing.has(to))
  }
  return [...new Set(left.map(({ from, to }) => `${from} imports ${to}`))].toSorted()
}

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
    const wrong = imports.filter(({ from, to }) => {
      const [own, other] = [layerOf(from), layerOf(to)]
      return other > own || (other === own && from.split('/')[0] !== to.split('/')[0])
    })
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([])
  })

  test('have a direction in every folder that has folders', () => {
    const withFolders = new Set(
      globSync('src/*/**/*.ts')
        .map((file) => dirname(dirname(relative('src', file))))
        .filter((folder) => folder !== '.' && !COMPONENT_KINDS.has(folder)),
    )
    expect(new Set(Object.keys(INNER_LAYERS))).toEqual(withFolders)
  })

  test.for(Object.entries(INNER_LAYERS))('go one way in %s', ([room, layers]) => {
    const folders = new Set(globSync(`src/${room}/*/**/*.ts`).map((file) => childOf(room, relative('src', file))))
    expect(new Set(layers.flat())).toEqual(folders)
    const layerIn = (path: string) => layers.findIndex((names) => names.includes(childOf(room, path) ?? ''))
    const wrong = imports.filter(({ from, to }) => {
      const [own, other] = [layerIn(from), layerIn(to)]
      return own >= 0 && (other > own || (other === own && childOf(room, from) !== childOf(room, to)))
    })
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([])
  })

  test('make no circle, also none of types', () => {
    expect(circlesIn(imports)).toEqual([])
  })

  test.for(Object.keys(INNER_LAYERS))('make no circle between the files and folders in %s', (room) => {
    const inner = imports.flatMap(({ from, to }) => {
      const [own, other] = [childOf(room, from), childOf(room, to)]
      return own === undefined || other === undefined ? [] : [{ from: own, to: other }]
    })
    expect(circlesIn(inner)).toEqual([])
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
