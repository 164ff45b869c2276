import { type Section, type Sections, SECTIONS } from './check-components.ts'
import type { CheckedService } from './check-service.ts'
import type { Findings } from '../yaml/findings.ts'
import { type Schema, viewSchema } from '../schema/schema-view.ts'
import { closest } from '../suggest.ts'
import { child, type MapNode, type Node, type Path, type Position } from '../yaml/tree.ts'

/** Reports every extension that a running component names in its config, but that does not run itself. */
export function checkNamedExtensions(
  root: MapNode,
  sections: Sections,
  { service, pipelines }: CheckedService,
  findings: Findings,
): void {
  const running = service.output.extensions
  const lists = [...pipelines.values()].map(({ output }) => output)
  const runs = (section: Section, id: string) =>
    section === 'extensions' ? running.includes(id) : lists.some((list) => list[section].includes(id))
  for (const section of SECTIONS) {
    for (const [id, { schema }] of sections[section].components) {
      if (!runs(section, id)) continue
      for (const { name, at, path } of named(child(child(root, section), id), schema, [section, id])) {
        // An extension that is listed but not defined is reported in the list.
        if (!running.includes(name)) findings.problem(at, path, explain(name, sections.extensions.ids))
      }
    }
  }
}

interface Named {
  readonly name: string
  readonly at: Position
  readonly path: Path
}

function named(node: Node | undefined, schema: Schema | undefined, path: Path): Named[] {
  if (node === undefined || schema === undefined) return []
  const { keys, otherKeys, items, meta } = viewSchema(schema)
  switch (node.kind) {
    case 'map':
      return [...node.entries].flatMap(([key, { value }]) => named(value, keys.get(key) ?? otherKeys, [...path, key]))
    case 'list':
      return node.items.flatMap((item, index) => named(item, items, [...path, index]))
    case 'scalar':
      return meta.reference === 'extension' && typeof node.value === 'string'
        ? [{ name: node.value, at: node.at, path }]
        : []
  }
}

function explain(name: string, defined: ReadonlySet<string>): string {
  const extension = `extension ${JSON.stringify(name)}`
  if (defined.has(name)) return `${extension} does not run: add it to service.extensions`
  const near = closest(name, defined)
  if (near !== undefined) return `${extension} is not defined; did you mean ${JSON.stringify(near)}?`
  return `${extension} is not defined: write ${name}: under extensions:, and add it to service.extensions`
}
