import type { Findings } from '../yaml/findings.ts'
import { ANYTHING, kindOf, type Schema, type SchemaView, viewSchema } from '../schema/schema-view.ts'
import { hint } from '../suggest.ts'
import { formatPath, type ListNode, type MapNode, type Node, type Path, type ScalarNode } from '../yaml/tree.ts'

/**
 * Turns a part of the config tree into the plain value its schema parses, by the collector's conversion rules. Unknown keys
 * are reported and left out, so that the schema can find other problems. Keys without effect become notes.
 */
export function inputFor(schema: Schema, node: Node, path: Path, findings: Findings): unknown {
  const view = viewSchema(schema)
  if (view.meta.status === 'accepted')
    findings.note(`${formatPath(path)} is accepted and has no effect: ${view.meta.reason}`)
  if (wantsOriginal(view, node)) return node.original
  if (node.kind === 'map') return mapInput(view, node, path, findings)
  if (node.kind === 'list') return listInput(view, node, path, findings)
  return scalarInput(view, node)
}

/** A string field gets the characters of a reference: `0123` and not 123, `{ClusterName}` and not a map. */
function wantsOriginal(view: SchemaView, node: Node): boolean {
  const kind = node.kind === 'scalar' ? kindOf(node.value) : node.kind
  return node.original !== undefined && view.kinds.has('string') && !view.kinds.has(kind)
}

function mapInput(view: SchemaView, node: MapNode, path: Path, findings: Findings): unknown {
  const pairs: [string, unknown][] = []
  for (const [key, { keyAt, value }] of node.entries) {
    const keyPath = [...path, key]
    // A map where another kind is expected: the schema reports it, keys and all.
    const schema = view.kinds.has('map') ? (view.keys.get(key) ?? view.otherKeys) : ANYTHING
    if (schema === undefined) {
      const known = view.keys.size === 0 ? '; no keys are allowed here' : hint(key, [...view.keys.keys()])
      findings.problem(keyAt, keyPath, `unknown key${known}`)
      continue
    }
    const input = inputFor(schema, value, keyPath, findings)
    if (input !== undefined) pairs.push([key, input])
  }
  return Object.fromEntries(pairs)
}

function listInput(view: SchemaView, node: ListNode, path: Path, findings: Findings): unknown {
  const schema = view.items ?? ANYTHING
  return node.items.map((item, index) => inputFor(schema, item, [...path, index], findings) ?? null)
}

function scalarInput(view: SchemaView, { value }: ScalarNode): unknown {
  // `otlp:` and `grpc:` are the empty map; any other key without a value counts as absent.
  if (value === null && !view.kinds.has('null')) return view.kinds.has('map') ? {} : undefined
  // The collector reads `receivers: otlp,nop` as a list.
  if (typeof value === 'string' && view.kinds.has('list') && !view.kinds.has('string'))
    return value === '' ? [] : value.split(',')
  return value
}
